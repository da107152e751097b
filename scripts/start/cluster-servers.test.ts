import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DEFAULT_PORTS } from "../demo-settings.ts";
import { readPorts } from "../shared/read-ports.ts";
import { clusterServers } from "./cluster-servers.ts";
import { furtherPorts } from "./cluster-settings.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "sluice-cluster-"))));
afterEach(() => rm(folder, { recursive: true }));

const plan = async (env: NodeJS.ProcessEnv = {}) => (await clusterServers(readPorts(env), folder, env)).flat();

test("a cluster has three of NATS, two of Redis with three Sentinels, two of each service, and a proxy", async () => {
  const names = (await plan()).map(({ name }) => name.replace(/-\d$/, ""));
  const counts = [...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length] as const);
  const services = { auth: 2, policy: 2, publish: 2, stream: 2, webhooks: 2 };
  expect(Object.fromEntries(counts)).toEqual({ nats: 3, redis: 2, sentinel: 3, proxy: 1, ...services });
});

test("no two of its ports are the same, also beside another cluster", () => {
  const portsOf = (env: NodeJS.ProcessEnv): number[] => {
    const ports = readPorts(env);
    return [...Object.values(ports), ...furtherPorts(ports).map(({ port }) => port)];
  };
  const all = [...portsOf({}), ...portsOf({ SLUICE_PORT_OFFSET: "10000" })];
  expect(new Set(all).size).toBe(all.length);
});

test("each process has ports of its own, whatever the environment says, and clients those of the proxy", async () => {
  const servers = await plan({ STREAM_HTTP_PORT: "9000", STREAM_WORKERS: "3" });
  const envOf = (name: string) => servers.find((server) => server.name === name)?.env;
  expect(envOf("stream-1")).toMatchObject({ STREAM_HTTP_PORT: "9100", AUTH_HTTP_PORT: "8081", STREAM_WORKERS: "3" });
  expect(envOf("stream-2")).toMatchObject({ STREAM_HTTP_PORT: "9200", STREAM_OPS_PORT: "8190" });
  expect(envOf("stream-1")).toMatchObject({
    AUTH_GRPC_URL: "127.0.0.1:7001,127.0.0.1:7101",
    NATS_URL: "nats://stream:sluice-demo-stream@127.0.0.1:4222,127.0.0.1:4322,127.0.0.1:4422",
    REDIS_URL: "redis+sentinel://stream:sluice-demo-stream@127.0.0.1:7379,127.0.0.1:7479,127.0.0.1:7579/sluice",
  });
  const proxy = await readFile(join(folder, "proxy", "haproxy.cfg"), "utf8");
  expect(proxy).toContain("server stream-2 127.0.0.1:9200 check port 8190");
  expect(proxy).not.toContain("server-template");
  expect(envOf("proxy")).toMatchObject({ STREAM_HTTP_PORT: "9000", PROXY_BIND_ADDRESS: "127.0.0.1" });
});

test("the primary of Redis is the one that it was when the cluster last ran", async () => {
  const replicaOf = async (name: string) => (await plan()).find((server) => server.name === name)?.args.at(-1);
  expect(await replicaOf("redis-2")).toBe(`127.0.0.1 ${DEFAULT_PORTS.REDIS_PORT}`);
  const note = async (n: number, port: number, epoch: number): Promise<void> => {
    const text = `sentinel monitor sluice 127.0.0.1 ${port} 2\nsentinel config-epoch sluice ${epoch}\n`;
    await mkdir(join(folder, `sentinel-${n}`), { recursive: true });
    await writeFile(join(folder, `sentinel-${n}`, "sentinel.conf"), text);
  };
  // The first one was away while the others moved it.
  await note(1, DEFAULT_PORTS.REDIS_PORT, 9);
  await note(2, 6479, 10);
  expect(await replicaOf("redis-1")).toBe("127.0.0.1 6479");
  await note(3, DEFAULT_PORTS.REDIS_PORT, 11);
  expect(await replicaOf("redis-2")).toBe(`127.0.0.1 ${DEFAULT_PORTS.REDIS_PORT}`);
});
