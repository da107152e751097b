import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authSettings } from "#test/support/start-auth.ts";
import { type Child, startChild } from "#test/support/child.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { type RunningService, startService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";

/** What the edge gives its streams to end. */
const DRAIN_MS = 500;

/** A process ends within 3 s of its signal, the edge after its drain; the rest is for two cores that others keep busy. */
const MAX_MS = 3_000 + DRAIN_MS + 3_000;

let nats: NatsServer;
let redis: RedisServer;
let directory: string;
/** Takes connections and never says a word. */
let silent: Server;
let silentPort: number;

beforeAll(async () => {
  [nats, redis] = await Promise.all([startNats(), startRedis()]);
  directory = await mkdtemp(join(tmpdir(), "sluice-ends-"));
  silent = createServer((socket) => void socket.on("error", () => {})).listen(0, "127.0.0.1");
  await once(silent, "listening");
  silentPort = (silent.address() as AddressInfo).port;
});
afterAll(async () => {
  silent.close();
  for (const each of [nats, redis]) await each[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

type Name = "auth" | "policy" | "stream";

function settings(name: Name): NodeJS.ProcessEnv {
  if (name === "auth") return authSettings(nats, redis);
  if (name === "stream") return { NATS_URL: nats.url("stream"), STREAM_DRAIN_MS: String(DRAIN_MS) };
  const operator = { POLICY_OPERATOR_TOKEN: "an-operator-token-for-this-test" };
  return { NATS_URL: nats.url("policy"), POLICY_DOCUMENTS_DIR: directory, ...operator };
}

/** Starts a service that will never be ready, and answers once it has begun to wait. */
async function startWaiting(name: Name, env: NodeJS.ProcessEnv): Promise<Child> {
  const main = fileURLToPath(new URL(`../../services/${name}/main.ts`, import.meta.url));
  const prefix = name.toUpperCase();
  const ports = { [`${prefix}_HTTP_PORT`]: "0", [`${prefix}_GRPC_PORT`]: "0", [`${prefix}_OPS_PORT`]: "0" };
  const connected = once(silent, "connection");
  const child = startChild(process.execPath, [main], { ...ports, ...settings(name), ...env });
  await connected;
  return child;
}

/** Sends the signals, the given milliseconds after each other, and answers the exit code; "late" when the process lives on. */
async function endOf(child: Child, signals: readonly (NodeJS.Signals | number)[]): Promise<number | null | "late"> {
  const exited = once(child.process, "exit").then(([code]) => code as number | null);
  for (const each of signals) {
    if (typeof each === "number") await new Promise((resolve) => setTimeout(resolve, each));
    else child.process.kill(each);
  }
  const late = new Promise<"late">((resolve) => setTimeout(resolve, MAX_MS, "late").unref());
  const end = await Promise.race([exited, late]);
  if (end === "late") await child.end("SIGKILL");
  return end;
}

/** Keeps five connections busy with requests, and five with requests whose body never comes, until disposed. */
function load(port: number): Disposable & { readonly answered: () => number } {
  const agent = new Agent({ keepAlive: true });
  let [answered, isOver] = [0, false];
  const ask = (): void => {
    if (isOver) return;
    const asking = request({ agent, port, path: "/.well-known/jwks.json" }, (response) => {
      answered += 1;
      response.on("end", ask).resume();
    });
    asking.on("error", () => {}).end();
  };
  for (let index = 0; index < 5; index++) ask();
  const halves = Array.from({ length: 5 }, () =>
    request({ port, method: "POST", path: "/v1/auth/login", headers: { "content-length": 100 } }).on("error", () => {}),
  );
  for (const half of halves) half.write("{");
  return {
    answered: () => answered,
    [Symbol.dispose]() {
      isOver = true;
      agent.destroy();
      for (const half of halves) half.destroy();
    },
  };
}

/** A moment of a running process's life: what is the matter around it while the signal comes. */
interface Moment {
  readonly moment: string;
  readonly begin?: () => void;
  readonly end?: () => void;
  readonly isLoaded?: boolean;
}

const freeze = (server: { signal(signal: NodeJS.Signals): void }) => server.signal("SIGSTOP");
const thaw = (server: { signal(signal: NodeJS.Signals): void }) => server.signal("SIGCONT");

const moments: readonly Moment[] = [
  { moment: "in quiet" },
  { moment: "under load", isLoaded: true },
  { moment: "while NATS is silent", begin: () => freeze(nats), end: () => thaw(nats) },
  { moment: "while Redis is silent", begin: () => freeze(redis), end: () => thaw(redis) },
  {
    moment: "under load, while both are silent",
    isLoaded: true,
    begin: () => [nats, redis].forEach(freeze),
    end: () => [nats, redis].forEach(thaw),
  },
];

const names = ["auth", "policy", "stream"] as const;

/** Signals, and the milliseconds between them. */
const tellings = [["SIGTERM"], ["SIGINT"], ["SIGTERM", "SIGINT"]] as const;

/** Every service with every way to be told, all at once: the servers that fall silent are the same for all. */
const ways = names.flatMap((name) => tellings.map((sent) => ({ name, sent })));

describe("told to stop by SIGTERM, SIGINT, or both as a group is", () => {
  test.each(moments)("$moment, each service ends within 3 s with 0 and says why", async ({ begin, end, isLoaded }) => {
    await using stack = new AsyncDisposableStack();
    const services = await Promise.all(ways.map(({ name }) => startService(name, settings(name))));
    for (const service of services) stack.use(service);
    for (const { ports } of isLoaded ? services : []) {
      const loading = stack.use(load(ports.http));
      await waitFor("it is under load", () => loading.answered() > 0);
    }
    begin?.();
    stack.defer(() => end?.());
    const ends = services.map((service, index) => endOf(service.child, ways[index]!.sent));
    expect(await Promise.all(ends)).toEqual(ways.map(() => 0));
    for (const { child } of services) expect(child.output()).toContain('"msg":"told to stop"');
  });
});

describe.each(names)("%s, told to stop", (name) => {
  test("twice, ends at once, whatever it waits for", async () => {
    await using service = await startService(name, settings(name));
    using _loading = load(service.ports.http);
    freeze(nats);
    try {
      expect(await endOf(service.child, ["SIGTERM", 150, "SIGINT"])).toBe(0);
    } finally {
      thaw(nats);
    }
    expect(service.child.output()).toContain("told to stop again");
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "by %s while it waits for a silent NATS at its start, ends with 0",
    async (signal) => {
      const child = await startWaiting(name, { NATS_URL: `nats://${name}:test@127.0.0.1:${silentPort}` });
      expect(await endOf(child, [signal])).toBe(0);
      expect(child.output()).toContain("told to stop while starting");
    },
  );

  test("without NATS, ends by itself with 1 and names the setting", async () => {
    const main = fileURLToPath(new URL(`../../services/${name}/main.ts`, import.meta.url));
    const child = startChild(process.execPath, [main], { ...settings(name), NATS_URL: "nats://127.0.0.1:1" });
    const [code] = (await once(child.process, "exit")) as [number];
    expect(code).toBe(1);
    expect(child.output()).toContain("check NATS_URL");
  });

  test("is not: SIGHUP leaves it as it is, however often it comes", async () => {
    await using service = await startService(name, settings(name));
    for (let again = 0; again < 3; again++) service.child.process.kill("SIGHUP");
    await waitFor("it has taken the signal", () => service.child.output().includes("SIGHUP changes nothing here"));
    expect(await isServing(service)).toBe(true);
    expect(await endOf(service.child, ["SIGTERM"])).toBe(0);
  });
});

test("auth, told to stop while it waits for a silent Redis at its start, ends with 0", async () => {
  const child = await startWaiting("auth", { REDIS_URL: `redis://127.0.0.1:${silentPort}` });
  expect(await endOf(child, ["SIGTERM"])).toBe(0);
  expect(child.output()).toContain("told to stop while starting");
});

async function isServing({ ports }: RunningService): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${ports.ops}/readyz`)).ok;
}
