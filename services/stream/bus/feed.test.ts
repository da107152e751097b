import { DiscardPolicy, type JetStreamManager, StorageType, type StreamConfig } from "@nats-io/jetstream";
import { silentObserver } from "#test/rigs/silent-observer.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";
import { connectService } from "#test/support/connect-service.ts";
import { amountOf, timeoutOf } from "#test/soak/amount.ts";
import { startSlowProxy } from "#test/support/slow-proxy.ts";
import { type NatsServer, type NatsUser, startNats } from "#test/support/start-nats.ts";
import { openBus, urlThrough } from "#test/support/start-stack.ts";
import { startTcpProxy, type TcpProxy } from "#test/support/tcp-proxy.ts";
import { waitFor } from "#test/support/wait.ts";
import type { LogReset } from "../deliver.ts";
import { firstSeqOf, type LogEntry } from "../event.ts";
import { Turns } from "../turns/turns.ts";
import { openMirrorWatch } from "./mirror-watch.ts";
import { openFeed } from "./feed.ts";
import type { FeedListener } from "./feed-listener.ts";
import { createHistory } from "./history.ts";
import { type Bus, openPacedBus } from "./paced-bus.ts";

const LOG = logStreamName("demo");
const MAX_EVENT_BYTES = 1024 * 1024;

let stack: AsyncDisposableStack;
let nats: NatsServer;
/** Between the feed and the broker. */
let toBus: TcpProxy;
let manager: JetStreamManager;
let publish: Publish;
let bus: Bus;
/** It waits for most of a minute and uses no processor: the other tests run meanwhile. Its log is another one. */
let behindSlowNetworks: Promise<unknown>;
let besideOthers: Promise<number[]>;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  nats = stack.use(await startNats());
  const open = (user: NatsUser) => openBus(nats.url(user), user);
  const [policy, demo, rival] = await Promise.all([open("policy"), open("demo"), open("rival")]);
  for (const { connection } of [policy, demo, rival]) stack.defer(() => connection.close());
  manager = await policy.manager();
  publish = (topic, text) => demo.publish(`events.demo.${topic}`, text);
  toBus = stack.use(await startTcpProxy(nats.port));
  bus = stack.use(await openPacedBus(await connect(urlThrough(toBus.port, nats.url("stream")))));
  behindSlowNetworks = readBehindSlowNetworks((topic, text) => rival.publish(`events.rival.${topic}`, text));
  besideOthers = readPaused((subject, text) => policy.publish(subject, text));
  for (const reading of [behindSlowNetworks, besideOthers]) reading.catch(() => undefined);
});
afterAll(() => stack[Symbol.asyncDispose]());

beforeEach(() => makeLog("demo", "aaaaaaaaaaaa"));

describe("a feed", () => {
  test("reads on behind holes of any length with one consumer, and says which sequences they cover", async () => {
    await using read = await openReading();
    toBus.set("reset");
    for (let n = 1; n <= 40; n += 1) await publish(n % 4 === 0 || (n > 20 && n < 30) ? "a.gone" : "a.kept", `${n}`);
    await purge("a.gone");
    toBus.set("pass");
    await waitFor("the end", () => read.texts().includes("39"));
    expect(read.texts()).toEqual(
      numbers(39)
        .filter((n) => n % 4 !== 0 && (n <= 20 || n >= 30))
        .map(String),
    );
    expectNoneSkipped(read.entries);
    expect(read.reports.filter((each) => each === "holes").length).toBeLessThan(5);
  });

  test("passes what is gone behind the last message, though no message comes that shows it", async () => {
    await using read = await openReading();
    toBus.set("reset");
    await publish("a.kept", "last");
    const seq = await publish("a.gone", "gone");
    await purge("a.gone");
    toBus.set("pass");
    await waitFor("the hole", () => read.entries.at(-1)?.position.seq === seq);
    expect(read.entries.at(-1)).toEqual({ kind: "hole", first: seq, position: { seq, tag: "0" } });
  });

  test("reads on behind messages that are empty", async () => {
    await using read = await openReading();
    const texts = ["a", "", "b", "c", "", "", "d", "e", ""];
    await Promise.all(texts.map((text) => publish("a.kept", text)));
    await waitFor("the last one", () => read.texts().length === texts.length);
    expect(read.texts()).toEqual(texts);
  });

  test("takes another consumer where its own brings nothing of what the log has", async () => {
    expect(await besideOthers).toEqual([1, 2]);
  });

  test("begins at the start of a log that is made anew", async () => {
    await using read = await openReading();
    await publish("a.kept", "old");
    await waitFor("the old event", () => read.texts().includes("old"));
    await makeLog("demo", "bbbbbbbbbbbb");
    for (const text of ["new 1", "new 2", "new 3"]) await publish("a.kept", text);
    await waitFor("the new events", () => read.texts().includes("new 3"));
    expect(read.texts()).toEqual(["old", "new 1", "new 2", "new 3"]);
    expect(read.resets.map(({ relation, horizon }) => [relation, horizon.seq])).toEqual([
      ["first", 0],
      ["epoch", 0],
    ]);
  });

  test("that cannot read opens no consumers in a loop, and gives no sign of life", async () => {
    await using read = await openReading();
    await publish("a.kept", "before");
    await waitFor("the event", () => read.texts().includes("before"));
    // The log gets a setting that hides events, and its consumer is taken away.
    await manager.streams.update(LOG, { allow_rollup_hdrs: true, deny_purge: false });
    const { disturbed } = read;
    const consumers = await manager.consumers.list(LOG).next();
    await Promise.all(consumers.map(({ name }) => manager.consumers.delete(LOG, name)));
    await waitFor("it has noticed", () => read.disturbed > disturbed);
    read.reports.length = 0;
    await waitFor("it has tried again and again", () => read.disturbed >= disturbed + 6);
    expect(read.reports).not.toContain("alive");
    expect((await manager.consumers.list(LOG).next()).length).toBe(0);
    await manager.streams.update(LOG, { allow_rollup_hdrs: false });
    await publish("a.kept", "after");
    await waitFor("it reads again", () => read.texts().includes("after"));
  });

  test("notices what is purged by hand, in the middle and at the beginning", async () => {
    for (let n = 1; n <= 9; n += 1) await publish(n === 5 ? "a.gone" : "a.kept", `${n}`);
    await using read = await openReading();
    await purge("a.gone");
    await waitFor("the purge is noticed", () => read.reports.includes("purged"));
    await manager.streams.purge(LOG, { seq: 4 });
    await waitFor("the new beginning is noticed", () => read.reports.includes("first 4"));
  });
});

/** Milliseconds; from 2 667 on heartbeats are too rare to be a sign of life. The longest of a soak takes two minutes. */
const ROUND_TRIPS = [200, 1_000, amountOf("slow-bus", 2_700)];

describe("a feed behind a slow network", () => {
  test(
    "opens, reads, reads history, and recovers from a lost connection, whatever a round trip takes",
    () => behindSlowNetworks,
    timeoutOf(170_000),
  );
});

type Publish = (topic: string, text: string) => Promise<number>;

async function readBehindSlowNetworks(publishSlow: Publish): Promise<void> {
  await makeLog("rival", "cccccccccccc");
  for (let n = 1; n <= 5; n += 1) await publishSlow(n === 3 ? "a.gone" : "a.kept", `history ${n}`);
  await purge("a.gone", "rival");
  await Promise.all(ROUND_TRIPS.map((roundTripMs) => readBehind(roundTripMs, publishSlow)));
}

/** Reads by a consumer that says that it lives, and is paused; answers the sequences that come. */
async function readPaused(store: Publish): Promise<number[]> {
  await makeLog("third", "dddddddddddd");
  await using own = new AsyncDisposableStack();
  // The other tests cut the connection of theirs.
  const connection = await connect(nats.url("stream"));
  own.defer(() => connection.close());
  await using read = await openReading(own.use(await openPacedBus(connection)), "third");
  await store("control.third.policy", "{}");
  await waitFor("the first entry", () => read.entries.length === 1);
  const name = logStreamName("third");
  const until = new Date(Date.now() + 3_600_000);
  for (const consumer of await manager.consumers.list(name).next())
    await manager.consumers.pause(name, consumer.name, until);
  await store("control.third.policy", "{}");
  await waitFor("the entry that it did not bring", () => read.entries.length === 2, 60_000);
  return read.entries.map(({ position }) => position.seq);
}

async function readBehind(roundTripMs: number, publishSlow: Publish): Promise<void> {
  const jitter = (): number => roundTripMs * (0.9 + Math.random() * 0.2);
  await using slow = await startSlowProxy(nats.port, jitter);
  await using own = new AsyncDisposableStack();
  const connection = await connectService(urlThrough(slow.port, nats.url("stream")));
  own.defer(() => connection.close());
  const slowBus = own.use(await openPacedBus(connection));
  await using read = await openReading(slowBus, "rival");
  const history = createHistory(slowBus, "rival", MAX_EVENT_BYTES);
  const [entries] = await Promise.all([history.after(0, 1_000_000), publishSlow("a.kept", `live ${roundTripMs}`)]);
  expect(entries.map(({ kind, position: { seq } }) => [kind, seq]).slice(0, 5)).toEqual([
    ["event", 1],
    ["event", 2],
    ["hole", 3],
    ["event", 4],
    ["event", 5],
  ]);
  await waitFor("the live event", () => read.texts().includes(`live ${roundTripMs}`), 60_000);
  slow.cut();
  await publishSlow("a.kept", `after ${roundTripMs}`);
  await waitFor("the event after the cut", () => read.texts().includes(`after ${roundTripMs}`), 120_000);
  expectNoneSkipped(read.entries);
}

/** A feed, and its reports. */
async function openReading(on: Bus = bus, tenant = "demo") {
  const own = new AsyncDisposableStack();
  const entries: LogEntry[] = [];
  const reports: string[] = [];
  const resets: LogReset[] = [];
  const silences: number[] = [];
  const listener: FeedListener = {
    onReset: (reset) => void resets.push(reset),
    onHoles: () => void reports.push("holes"),
    onErasures: (erased) => void reports.push(...erased.map(({ through }) => `erased ${through}`)),
    onEntry: (entry) => entries.push(entry) > 0,
    onBounds: (first) => void reports.push(`first ${first}`),
    onPurged: () => void reports.push("purged"),
    onSource: (source) => void reports.push(source),
    onOrigin: (_, silentMs) => void silences.push(silentMs),
    onAlive: () => void reports.push("alive"),
    onMissing: () => void reports.push("missing"),
  };
  const reading = {
    entries,
    reports,
    resets,
    silences,
    disturbed: 0,
    texts: () => entries.flatMap((entry) => (entry.kind === "event" ? [entry.payload.toString()] : [])),
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  };
  const observer = silentObserver({ feedDisturbed: () => void (reading.disturbed += 1) });
  const log = createLogger("test", "silent");
  const turns = new Turns({ now: () => performance.now(), checkClock: () => {} }).forTenant();
  const now = (): number => performance.now();
  const mirrors = own.use(openMirrorWatch(on, now));
  const seat = { seat: undefined };
  const deps = { bus: on, mirrors, seat, now, turns, maxEventBytes: MAX_EVENT_BYTES, log, observer };
  own.use(await openFeed(tenant, listener, deps));
  return reading;
}

async function connect(url: string) {
  const connection = await connectService(url);
  stack.defer(() => connection.close());
  return connection;
}

async function makeLog(tenant: string, epoch: string): Promise<void> {
  const name = logStreamName(tenant);
  await manager.streams.delete(name).catch(() => undefined);
  const config = { ...CONFIG, name, subjects: logSubjects(tenant), metadata: { sluice_epoch: epoch } };
  // The server removes a stream's files a moment after it has said so; until then it cannot make the new one.
  await waitFor("the log is made", () =>
    manager.streams.add(config).then(
      () => true,
      () => false,
    ),
  );
}

const CONFIG = {
  storage: StorageType.File,
  discard: DiscardPolicy.Old,
  allow_direct: true,
  deny_delete: true,
} as const satisfies Partial<StreamConfig>;

async function purge(topic: string, tenant = "demo"): Promise<void> {
  await manager.streams.purge(logStreamName(tenant), { filter: `events.${tenant}.${topic}` });
}

function numbers(through: number): number[] {
  return Array.from({ length: through }, (_, index) => index + 1);
}

/** Each entry begins where the one before it ended. */
function expectNoneSkipped(entries: readonly LogEntry[]): void {
  const ends = entries.slice(0, -1).map(({ position }) => position.seq);
  expect(entries.slice(1).map((entry) => firstSeqOf(entry) - 1)).toEqual(ends);
}
