import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULT_PORTS } from "../demo-settings.ts";
import { builtProgram } from "../build/build-services.ts";
import { readPorts } from "../shared/read-ports.ts";
import { demoServers } from "./demo-servers.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-demo-"));
  await mkdir(join(folder, "redis"));
});
afterAll(() => rm(folder, { recursive: true }));

test("what the environment says wins over the demo's own settings, and an empty variable says nothing", async () => {
  const env = { AUTH_ACCESS_TOKEN_SECONDS: "60", POLICY_DOCUMENTS_DIR: "/mine", AUTH_ISSUER: "" };
  const servers = (await demoServers(DEFAULT_PORTS, folder, env)).flat();
  const settingsOf = (name: string) => servers.find((server) => server.name === name)?.env;
  expect(settingsOf("policy")).toMatchObject({ POLICY_DOCUMENTS_DIR: "/mine", SLUICE_DEMO: "1" });
  expect(settingsOf("auth")).toMatchObject({ AUTH_ACCESS_TOKEN_SECONDS: "60", AUTH_ISSUER: "http://localhost:8081" });
});

test("the plans of two stacks have no port in common, in whatever a server is told", async () => {
  const portsOf = async (env: NodeJS.ProcessEnv): Promise<Set<string>> => {
    const ports = readPorts(env);
    const servers = (await demoServers(ports, folder, env)).flat();
    const told = servers.flatMap(({ args, env: given }) => [...args, ...Object.values(given)]).join(" ");
    const known = new Set(Object.values(ports).map(String));
    const found = new Set(told.match(/\b\d{4,5}\b/g)?.filter((text) => known.has(text)));
    expect(found.size).toBe(known.size);
    return new Set(told.match(/(?<=[:=\s]|^)\d{4,5}(?=[\s/,]|$)/g));
  };
  const first = await portsOf({});
  const second = await portsOf({ SLUICE_PORT_OFFSET: "10000" });
  expect([...first.intersection(second)]).toEqual([]);
});

test("webhooks are posted by a process of the edge with a port of its own, also where the edge's is moved", async () => {
  const servers = (await demoServers(DEFAULT_PORTS, folder, { STREAM_OPS_PORT: "1234" })).flat();
  const { args, env } = servers.find(({ name }) => name === "webhooks") ?? {};
  expect(args).toEqual([builtProgram("stream")]);
  expect(env).toMatchObject({ STREAM_ROLE: "webhooks", STREAM_OPS_PORT: "8094" });
});
