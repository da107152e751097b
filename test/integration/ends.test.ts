import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { authSettings } from "#test/support/start-auth.ts";
import { builtProgram } from "../../scripts/build/build-services.ts";
import { type Child, startChild } from "#test/support/child.ts";
import { freeze, thaw } from "#test/support/freeze.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { startService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";

/** What the edge gives its streams to end. */
const DRAIN_MS = 500;

/** A process ends within 3 s of its signal, the edge after its drain; the rest is for cores that others keep busy. */
const MAX_MS = 3_000 + DRAIN_MS + 20_000;

let nats: NatsServer;
let redis: RedisServer;
let directory: string;
/** Takes connections and never says a word. */
let silent: Server;
let silentPort: number;
/** How many connections it took. */
let callers = 0;

beforeAll(async () => {
  [nats, redis] = await Promise.all([startNats(), startRedis()]);
  directory = await mkdtemp(join(tmpdir(), "sluice-ends-"));
  silent = createServer((socket) => {
    callers += 1;
    socket.on("error", () => {});
  }).listen(0, "127.0.0.1");
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

/** Starts the process of a service, with whatever it will make of its settings. */
function startProcess(name: Name, env: NodeJS.ProcessEnv): Child {
  const main = builtProgram(name);
  const prefix = name.toUpperCase();
  const ports = { [`${prefix}_HTTP_PORT`]: "0", [`${prefix}_GRPC_PORT`]: "0", [`${prefix}_OPS_PORT`]: "0" };
  return startChild(process.execPath, [main], { ...ports, ...settings(name), ...env });
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
  readonly begin?: () => Promise<unknown>;
  readonly end?: () => void;
  readonly isLoaded?: boolean;
}

const moments: readonly Moment[] = [
  { moment: "in quiet" },
  { moment: "under load", isLoaded: true },
  { moment: "while NATS is silent", begin: () => freeze(nats), end: () => thaw(nats) },
  { moment: "while Redis is silent", begin: () => freeze(redis), end: () => thaw(redis) },
  {
    moment: "under load, while both are silent",
    isLoaded: true,
    begin: () => Promise.all([nats, redis].map(freeze)),
    end: () => [nats, redis].forEach(thaw),
  },
];

const names = ["auth", "policy", "stream"] as const;

/**
 * Who is told, and how: all at once, as the servers that fall silent are the same for all. Signals are the same code in every
 * service; what a service lets go of is its own.
 */
const ways: readonly { readonly name: Name; readonly sent: readonly NodeJS.Signals[] }[] = [
  { name: "auth", sent: ["SIGTERM"] },
  { name: "auth", sent: ["SIGINT"] },
  { name: "auth", sent: ["SIGTERM", "SIGINT"] },
  { name: "policy", sent: ["SIGTERM"] },
  { name: "policy", sent: ["SIGINT"] },
  { name: "stream", sent: ["SIGTERM"] },
];

describe("told to stop by SIGTERM, SIGINT, or both as a group is", () => {
  test.each(moments)("$moment, each service ends within 3 s with 0 and says why", async ({ begin, end, isLoaded }) => {
    await using stack = new AsyncDisposableStack();
    const services = await Promise.all(ways.map(({ name }) => startService(name, settings(name))));
    for (const service of services) stack.use(service);
    for (const { ports } of isLoaded ? services : []) {
      const loading = stack.use(load(ports.http));
      await waitFor("it is under load", () => loading.answered() > 0);
    }
    await begin?.();
    stack.defer(() => end?.());
    const ends = services.map((service, index) => endOf(service.child, ways[index]!.sent));
    expect(await Promise.all(ends)).toEqual(ways.map(() => 0));
    for (const { child } of services) expect(child.output()).toContain('"msg":"told to stop"');
  });
});

test("told to stop twice, a process ends at once, whatever it waits for", async () => {
  await using stack = new AsyncDisposableStack();
  const services = await Promise.all((["auth", "policy"] as const).map((name) => startService(name, settings(name))));
  for (const service of services) {
    stack.use(service);
    stack.use(load(service.ports.http));
  }
  await freeze(nats);
  stack.defer(() => thaw(nats));
  const ends = services.map(({ child }) => {
    // A busy process takes signals late, and what comes within 100 ms of the first for the same wish.
    const again = setInterval(() => child.process.kill("SIGINT"), 150);
    return endOf(child, ["SIGTERM"]).finally(() => clearInterval(again));
  });
  expect(await Promise.all(ends)).toEqual([0, 0]);
  for (const { child } of services) expect(child.output()).toContain("told to stop again");
});

test("told to stop while it waits for a silent server at its start, a process ends with 0 and says so", async () => {
  const mute = `127.0.0.1:${silentPort}`;
  const peers = { AUTH_GRPC_URL: mute, POLICY_GRPC_URL: mute, AUTH_JWKS_URL: `http://${mute}/jwks` };
  const toNats = (name: Name) => ({ ...peers, NATS_URL: `nats://${name}:test@${mute}` });
  const before = callers;
  const children = names.flatMap((name) => [startProcess(name, toNats(name)), startProcess(name, toNats(name))]);
  children.push(startProcess("policy", { NATS_URL: `tls://policy:test@${mute}`, NATS_TLS_FIRST: "1" }));
  await waitFor("all of them wait", () => callers - before >= children.length);
  const ends = children.map((child, index) => endOf(child, [index % 2 === 0 ? "SIGTERM" : "SIGINT"]));
  expect(await Promise.all(ends)).toEqual(children.map(() => 0));
  for (const child of children) expect(child.output()).toContain("told to stop while starting");
});

test("told to stop while it waits for a silent Redis at its start, auth ends, if it has not given up before", async () => {
  const before = callers;
  const at = `127.0.0.1:${silentPort}`;
  const urls = [`redis://${at}`, `rediss://${at}`, `redis+sentinel://${at}/main`];
  const children = urls.map((REDIS_URL) => startProcess("auth", { REDIS_URL }));
  await waitFor("all of them wait", () => callers - before >= children.length);
  for (const end of await Promise.all(children.map((child) => endOf(child, ["SIGTERM"]))))
    expect([0, 1]).toContain(end);
});

test("without NATS a process ends by itself with 1 and names the setting", async () => {
  const children = names.map((name) => startProcess(name, { NATS_URL: "nats://127.0.0.1:1" }));
  const codes = await Promise.all(children.map(async ({ process: child }) => (await once(child, "exit"))[0] as number));
  expect(codes).toEqual([1, 1, 1]);
  for (const child of children) expect(child.output()).toContain("check NATS_URL");
});

test("SIGHUP has a process read its files again and go on, however often it comes", async () => {
  await using stack = new AsyncDisposableStack();
  const services = await Promise.all(names.map((name) => startService(name, settings(name))));
  for (const service of services) stack.use(service);
  for (const { child } of services) for (let again = 0; again < 3; again++) child.process.kill("SIGHUP");
  for (const { child, ports } of services) {
    await waitFor("it has taken the signal", () =>
      child.output().includes("SIGHUP: the watched files were read again"),
    );
    expect((await fetch(`http://127.0.0.1:${ports.ops}/healthz`)).ok).toBe(true);
  }
  expect(await Promise.all(services.map(({ child }) => endOf(child, ["SIGTERM"])))).toEqual([0, 0, 0]);
});
