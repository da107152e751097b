import { cp, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { jetstream, type StreamConfig, type StreamInfo } from "@nats-io/jetstream";
import { connect, headers, nkeyAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AUTH_STREAMS, FENCED_METADATA, SEAT_STREAM, TERM_METADATA } from "#shared/contract/home.ts";
import { logSubjects } from "#shared/contract/tenant-log.ts";
import { accepts } from "../../scripts/shared/accepts.ts";
import { becomesReady, type HomeServices, type Regions, startRegions } from "#test/support/start-regions.ts";
import type { Bus } from "#test/support/start-stack.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { readMetric } from "#test/support/read-metric.ts";
import { waitFor } from "#test/support/wait.ts";
import { amountOf, timeoutOf } from "../soak/amount.ts";

/** In the suite the first of them alone. */
const FAULTS = [
  { fault: "blackhole", seconds: 3 },
  { fault: "reset", seconds: 5 },
  { fault: "one-way", seconds: 20 },
  { fault: "reset", seconds: 20 },
  { fault: "blackhole", seconds: 20 },
  { fault: "restart us", seconds: 1 },
  { fault: "restart eu", seconds: 1 },
  { fault: "restart standby", seconds: 1 },
  { fault: "reset", seconds: 70 },
] as const;

let regions: Regions;
let eu: Bus;
let us: Bus;
let producer: NatsConnection;
let publisher: Bus;
let home: HomeServices;
let standby: HomeServices;

beforeAll(async () => {
  regions = await startRegions({ producersInUs: ["demo"] });
  [home, standby] = [regions.eu.eu, regions.eu.us];
  eu = await regions.bus("eu", "eu", "policy");
  us = await regions.bus("us", "eu", "policy");
  publisher = await regions.bus("eu", "eu", "publish");
  const seed = new TextEncoder().encode(regions.brokers.us.seeds.get("demo"));
  const servers = `127.0.0.1:${regions.brokers.us.servers[0].port}`;
  producer = await connect({ servers, authenticator: nkeyAuthenticator(seed) });
}, 120_000);
afterAll(async () => {
  await producer.close();
  await regions[Symbol.asyncDispose]();
});

test("every stream of a home has a mirror in the other region, and so has the log of a new tenant", async () => {
  expect(await namesOf(eu)).toEqual(expect.arrayContaining([...AUTH_STREAMS, SEAT_STREAM, "EVENTS_demo"]));
  expect((await home.operate("PUT", "newcomer")).status).toBe(201);
  await waitFor("each has a mirror", async () => (await namesOf(us)).join() === (await namesOf(eu)).join());
  expect(await namesOf(us)).toContain("EVENTS_newcomer");
});

test("a standby opens no port but that of operations, which says where the home is written", async () => {
  for (const { http, grpc, ops } of Object.values(standby.ports)) {
    expect([await accepts(http), await accepts(grpc)]).toEqual([false, false]);
    const answer = await fetch(`http://127.0.0.1:${ops}/readyz`);
    expect(answer.status).toBe(503);
    const reasons = [{ code: "standby", detail: "this home is written in region eu" }];
    expect(await answer.json()).toEqual({ ready: false, reasons });
  }
});

test("what is erased in the home is not readable in the other region either, and nothing else goes", async () => {
  const topics = ["issues.opened.alice", "issues.opened.bob", "issues.opened.alice"];
  const sequences: number[] = [];
  for (const topic of topics) sequences.push(await publish(topic));
  await waitFor("they are mirrored", async () => (await lastOf(us)) >= Math.max(...sequences));
  const erased = await home.operate("POST", "demo/erase", { subject: "issues.opened.alice", reason: "asked to" });
  expect(erased.body).toMatchObject({ erased: 2 });
  const left = async () => Object.keys((await infoOf(us, "events.demo.issues.>")).state.subjects ?? {});
  await waitFor("the mirror has it no more", async () => (await left()).length === 1);
  const { streams } = await us.manager();
  const read = await Promise.all(sequences.map((seq) => streams.getMessage("EVENTS_demo", { seq })));
  expect(read.map((message) => message?.subject)).toEqual([undefined, "events.demo.issues.opened.bob", undefined]);
  await regions.brokers.us.servers[0].stop("SIGKILL");
  await regions.brokers.us.servers[0].start();
  const later = await waitFor("the link is back", () => publish("issues.opened.carol").catch(() => undefined));
  await waitFor("the mirror goes on", async () => (await lastOf(us).catch(() => 0)) >= later);
  expect(await left()).toEqual(["events.demo.issues.opened.bob", "events.demo.issues.opened.carol"]);
});

test(
  "after each cut, and each restart of either side, the mirrors have everything, in its order",
  async () => {
    for (let n = 0; n < amountOf("regions", 1); n += 1) {
      const { fault, seconds } = FAULTS[n % FAULTS.length] ?? FAULTS[0];
      const mend = await begin(fault);
      const until = performance.now() + seconds * 1_000;
      while (performance.now() < until) {
        // In the home events go on, where its broker runs.
        await publishHere(`issues.closed.${n}`).catch(() => undefined);
        await delay(20);
      }
      await mend();
      const last = await waitFor("the home takes events", () =>
        publishHere("issues.closed.end").catch(() => undefined),
      );
      await waitFor("the mirror is level", async () => (await lastOf(us).catch(() => 0)) >= last, 60_000);
    }
    // What nats-server before 2.15.3 leaves out, a mirror that is made anew has.
    await expect.poll(() => entriesOf(us), { timeout: 60_000 }).toEqual(await entriesOf(eu));
    const remade = (reason: string) => readMetric(policyOf(standby), `sluice_mirrors_remade_total{reason="${reason}"}`);
    expect(await Promise.all(["recreated", "lost_entries"].map(remade))).toEqual([0, 0]);
  },
  timeoutOf(120_000),
);

/** Two restarts of a broker: a soak has the time. */
test.runIf(amountOf("regions", 0) > 0)(
  "the mirror of a log that has lost its end, as by an older copy of its disk, is made anew",
  async () => {
    const [server] = regions.brokers.eu.servers;
    const store = join(server.storeDir, "jetstream", "SLUICE", "streams", "EVENTS_demo");
    const kept = await mkdtemp(join(tmpdir(), "sluice-older-"));
    const restart = async (change: () => Promise<void>) => {
      await server.stop();
      await change();
      await server.start();
      return waitFor("the home takes events", () => publishHere("issues.closed.again").catch(() => undefined), 30_000);
    };
    const before = await restart(() => cp(store, kept, { recursive: true }));
    await Promise.all(Array.from({ length: 20 }, (_, n) => publishHere(`issues.closed.lost${n}`)));
    await waitFor("the mirror has them", async () => (await lastOf(us)) === before + 20, 30_000);
    const after = await restart(async () => {
      await rm(store, { recursive: true });
      await rename(kept, store);
    });
    expect(after).toBeLessThan(before + 20);
    const remade = 'sluice_mirrors_remade_total{reason="lost_entries"}';
    await waitFor("it is made anew", async () => (await readMetric(policyOf(standby), remade)) === 1, 30_000);
    await waitFor("it is level", async () => (await lastOf(us).catch(() => 0)) === after, 30_000);
    expect(await entriesOf(us)).toEqual(await entriesOf(eu));
  },
  timeoutOf(30_000),
);

test("who serves a home ends once it is fenced, and a standby serves once the originals are here", async () => {
  const ended = [home.auth, home.policy].map(async (service) => exitOf(service));
  await fenceAll(eu);
  expect(await Promise.all(ended)).toEqual([1, 1]);
  await home.start("policy");
  expect(await reasonOf(home)).toBe("this home is fenced in region eu: another region is to take it over");
  await promoteAll(await regions.bus("us", "eu", "auth"), AUTH_STREAMS);
  await promoteAll(us, [...(await namesOf(us)).filter((name) => !isOfAuth(name) && name !== SEAT_STREAM), SEAT_STREAM]);
  await Promise.all([becomesReady(standby.ports.policy), becomesReady(standby.ports.auth)]);
  expect((await standby.operate("GET", "demo")).status).toBe(200);
  expect((await login(standby)).status).toBe(200);
  await waitFor("the other region knows", async () => (await reasonOf(home)) === "this home is written in region us");
  expect(await readMetric(policyOf(standby), "sluice_mirrors")).toBe(0);
});

async function namesOf(bus: Bus): Promise<string[]> {
  return (await (await bus.manager()).streams.names().next()).toSorted();
}

async function infoOf(bus: Bus, subjects_filter?: string) {
  const { streams } = await bus.manager();
  return streams.info("EVENTS_demo", subjects_filter === undefined ? undefined : { subjects_filter });
}

async function lastOf(bus: Bus): Promise<number> {
  return (await infoOf(bus)).state.last_seq;
}

/** Everything of each entry that readers see. */
async function entriesOf(bus: Bus): Promise<object[]> {
  const { streams } = await bus.manager();
  const { first_seq, last_seq } = (await infoOf(bus)).state;
  const entries: object[] = [];
  for (let seq = first_seq; seq <= last_seq; seq += 1) {
    const message = await streams.getMessage("EVENTS_demo", { seq });
    if (message === null) continue;
    const { subject, timestamp, header } = message;
    // What a writer expected of the log is no part of an entry: JetStream leaves it out of mirrors.
    const kept = [...header].filter(([name]) => !name.startsWith("Nats-Expected-"));
    entries.push({ seq, subject, timestamp, headers: kept, body: message.string() });
  }
  return entries;
}

/** Publishes an event of tenant demo through the link. */
async function publish(topic: string): Promise<number> {
  const header = headers();
  header.set("X-Topic", topic);
  const { seq } = await jetstream(producer).publish(`events.demo.${topic}`, "{}", { headers: header, timeout: 5_000 });
  return seq;
}

/** Publishes an event of tenant demo in its home. */
async function publishHere(topic: string): Promise<number> {
  return (await jetstream(publisher.connection).publish(`ingest.demo.${topic}`, "{}", { timeout: 1_000 })).seq;
}

/** Begins a fault; what it answers mends it. */
async function begin(fault: (typeof FAULTS)[number]["fault"]): Promise<() => Promise<void>> {
  if (fault === "restart us" || fault === "restart eu") {
    const [server] = regions.brokers[fault === "restart us" ? "us" : "eu"].servers;
    await server.stop("SIGKILL");
    return () => server.start();
  }
  if (fault === "restart standby") {
    await policyOf(standby).child.end("SIGKILL");
    return async () => void (await standby.start("policy"));
  }
  regions.brokers.link(fault);
  return async () => {
    // A connection that was held up may come back with what it holds, or be reset: here the network has forgotten it.
    regions.brokers.link("reset");
    regions.brokers.link("pass");
  };
}

function policyOf({ policy }: HomeServices): RunningService {
  if (policy === undefined) throw new Error("policy was not started");
  return policy;
}

async function exitOf(service: RunningService | undefined): Promise<number | null> {
  const child = service?.child.process;
  await waitFor("the process ends", () => child?.exitCode !== null);
  return child?.exitCode ?? null;
}

async function reasonOf({ ports }: HomeServices): Promise<string | undefined> {
  const answer = await fetch(`http://127.0.0.1:${ports.policy.ops}/readyz`);
  return ((await answer.json()) as { reasons?: { detail: string }[] }).reasons?.[0]?.detail;
}

function login({ authUrl }: HomeServices): Promise<Response> {
  const body = JSON.stringify({ tenant: "demo", username: "alice", password: "sluice-demo" });
  return fetch(`${authUrl}/v1/auth/login`, { method: "POST", headers: { "content-type": "application/json" }, body });
}

function isOfAuth(name: string): boolean {
  return AUTH_STREAMS.some((each) => each === name);
}

/** Has the home's originals take nothing more, the stream that tells its seat first. */
async function fenceAll(bus: Bus): Promise<void> {
  const { streams } = await bus.manager();
  for (const name of [SEAT_STREAM, "EVENTS_demo"]) {
    const { config } = await streams.info(name);
    const metadata = { ...config.metadata, [FENCED_METADATA]: "2" };
    await streams.update(name, { ...config, subjects: [`fenced.${name}`], metadata });
  }
}

/** Makes originals of mirrors. */
async function promoteAll({ connection }: Bus, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { mirror: _, ...config } = await configOf(connection, name);
    const metadata = { ...config.metadata, [TERM_METADATA]: "2" };
    const promoted = { ...config, metadata, subjects: subjectsOf(name) };
    await connection.request(`$JS.API.STREAM.UPDATE.${name}`, JSON.stringify(promoted), { timeout: 10_000 });
  }
}

async function configOf(connection: NatsConnection, name: string): Promise<StreamConfig> {
  return (await connection.request(`$JS.API.STREAM.INFO.${name}`, "", { timeout: 10_000 })).json<StreamInfo>().config;
}

function subjectsOf(name: string): string[] {
  const [kind = "", rest = ""] = name.split(/_(.*)/);
  if (kind === "EVENTS") return logSubjects(rest);
  return name === "AUDIT" ? ["audit.*.*"] : name === "CONNECTIONS" ? ["connections.*.*.*"] : [`$KV.${rest}.>`];
}
