import { headers } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { connectService } from "#test/support/connect-service.ts";
import { silentObserver } from "#test/rigs/silent-observer.ts";
import { type RegionBrokers, startRegionBrokers } from "#test/support/start-region-servers.ts";
import { type Bus, openBus } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import type { LogReset } from "../deliver.ts";
import type { LogEntry } from "../event.ts";
import { Turns } from "../turns/turns.ts";
import { openFeed } from "./feed.ts";
import type { FeedListener } from "./feed-listener.ts";
import { openMirrorWatch } from "./mirror-watch.ts";
import { openPacedBus } from "./paced-bus.ts";
import { SourceWatch } from "./source-watch.ts";

/** A log of home eu, and its mirror in region us, which an edge there reads. */
const STREAM = "EVENTS_acme";
const OLD = { sluice_epoch: "epoch-one" };
const SUBJECTS = ["events.acme.>", "control.acme.>"];
const CONSUMER = { name: "mirror_us", deliver_subject: "mirror.us.EVENTS_acme" };
const LOG = { name: STREAM, storage: "file", allow_direct: true, deny_delete: true, max_age: 0 } as const;

/** The edge knows of the home that it is written elsewhere: what tells the seat is fenced first, and promoted last. */
const seat = { seat: { is: "elsewhere", region: "eu" } } as const;

const opened = new AsyncDisposableStack();
let regions: RegionBrokers;
let origin: Bus;
let here: Bus;
let reading: Awaited<ReturnType<typeof openReading>>;

beforeAll(async () => {
  regions = opened.use(await startRegionBrokers());
  origin = await busOf("eu", "policy");
  here = await busOf("us", "policy-eu");
  await (await origin.manager()).streams.add({ ...LOG, subjects: SUBJECTS, metadata: OLD });
  const answers = () => ask(here, "$JS.eu.API.STREAM.INFO.EVENTS_acme", {}).catch(() => undefined);
  await waitFor("the link is there", answers);
  const flow = { ack_policy: "flow_control", flow_control: true, idle_heartbeat: 1e9, max_ack_pending: 1_000 };
  await ask(here, "$JS.eu.API.CONSUMER.CREATE.EVENTS_acme.mirror_us", {
    stream_name: STREAM,
    config: {
      durable_name: CONSUMER.name,
      deliver_subject: CONSUMER.deliver_subject,
      deliver_policy: "all",
      ...flow,
    },
  });
  await makeMirror();
  reading = await waitFor("the mirror has heard of its origin", () => openReading().catch(() => undefined));
});
afterAll(() => opened.disposeAsync());

test("a mirror's entries are the origin's, and it lives by nothing but what it hears of that", async () => {
  for (const id of ["1", "2", "3"]) await publish(origin, id);
  await waitFor("the entries", () => reading.topics().length === 3);
  expect(reading.topics()).toEqual(["a.b.1", "a.b.2", "a.b.3"]);
  await waitFor("two answers about the origin", () => reading.silences.length > 2);
  await waitFor("it has heard of its origin lately", () => (reading.silences.at(-1) ?? Infinity) < 2_000);
  expect(reading.reports).toEqual(["mirror", "reset first"]);
});

test("while the link is cut it is silent for longer and longer, and what was published meanwhile comes afterwards", async () => {
  regions.link("reset");
  await publish(origin, "cut");
  await waitFor("the silence", () => (reading.silences.at(-1) ?? 0) > 2_500);
  expect(reading.topics()).not.toContain("a.b.cut");
  expect(reading.reports).not.toContain("alive");
  regions.link("pass");
  await waitFor("the entry", () => reading.topics().includes("a.b.cut"));
  await waitFor("a sign of life", () => (reading.silences.at(-1) ?? Infinity) < 2_000);
  expect(reading.reports).toEqual(["mirror", "reset first"]);
});

test("what the mirror lacks and its origin has is never passed: it is silent until it is made anew, and nothing is missing then", async () => {
  const before = reading.entries.length;
  const silences = reading.silences.length;
  regions.link("reset");
  for (const id of ["lacking-1", "lacking-2"]) await publish(origin, id);
  // As nats-server before 2.15.3 does by itself where a link is cut while entries are on their way.
  await resetConsumer(await lastSeqOf(origin));
  regions.link("pass");
  await publish(origin, "behind");
  const last = await lastSeqOf(origin);
  await waitFor("the mirror is level", async () => (await lastSeqOf(here)) === last);
  await waitFor("the silence", () => reading.silences.slice(silences).some((each) => each > 2_500));
  const { active } = (await (await here.manager()).streams.info(STREAM)).mirror ?? {};
  expect(active).toBeLessThan(2e9);
  expect(reading.topics().slice(before)).toEqual([]);
  await ask(here, `$JS.API.STREAM.DELETE.${STREAM}`, {});
  await resetConsumer(0);
  await makeMirror();
  await waitFor("the last entry", () => reading.topics().includes("a.b.behind"));
  expect(reading.topics().slice(before)).toEqual(["a.b.lacking-1", "a.b.lacking-2", "a.b.behind"]);
  await waitFor("a sign of life", () => (reading.silences.at(-1) ?? Infinity) < 2_000);
  expect(reading.reports).not.toContain("holes");
});

test("before the mirror's events are passed on, what stands behind them about erased ones is told", async () => {
  await using edge = await openEdge();
  const told: unknown[] = [];
  const before = await (await here.manager()).streams.info(STREAM);
  const { last_seq: readSeq } = before.state;
  using source = new SourceWatch({
    ...edge,
    tenant: "acme",
    stop: new AbortController().signal,
    listener: { onSource: () => {}, onOrigin: () => {}, onErasures: (entries) => void told.push(...entries) },
    epoch: () => OLD.sluice_epoch,
    readSeq: () => readSeq,
    onOtherEpoch: () => {},
  });
  source.take(before, edge.now());
  await publish(origin, "gone");
  const erased = { subject: "a.b.gone", through: readSeq + 1 };
  await origin.publish("control.acme.erased", JSON.stringify(erased));
  await waitFor("the mirror is level", async () => (await lastSeqOf(here)) === readSeq + 2);
  await source.makeSure(readSeq + 1);
  expect([told, source.sureUpTo]).toEqual([[erased], readSeq + 2]);
});

test("no entry behind a promotion comes before the new epoch, none is lost or comes twice, and what was erased before is told", async () => {
  const erased = { subject: "a.b.1", through: 1 };
  await origin.publish("control.acme.erased", JSON.stringify(erased));
  await waitFor("the mirror is level", async () => (await lastSeqOf(here)) === (await lastSeqOf(origin)));
  const last = (await (await here.manager()).streams.info(STREAM)).state.last_seq;
  await waitFor("everything is read", () => reading.entries.at(-1)?.position.seq === last);
  regions.link("reset");
  await waitFor("the link is closed", () =>
    publish(here, "refused").then(
      () => false,
      () => true,
    ),
  );
  const { config } = await (await here.manager()).streams.info(STREAM);
  const { mirror: _, mirror_direct: __, ...kept } = config;
  const promoted = { sluice_epoch: "epoch-two", sluice_term: "2", sluice_mirrored: String(last), sluice_lost: "eu" };
  const metadata = { ...config.metadata, ...promoted };
  // Producers that wait for their log are there before anybody has told the edge.
  const waiting = Array.from({ length: 20 }, (_each, place) => publishUntilStored(`p${place}`));
  await ask(here, `$JS.API.STREAM.UPDATE.${STREAM}`, { ...kept, subjects: SUBJECTS, metadata });
  await Promise.all(waiting);
  await waitFor("all that was published", () => reading.entries.at(-1)?.position.seq === last + 20);
  const seqs = reading.entries.map(({ position }) => position.seq);
  expect(seqs).toEqual(Array.from({ length: last + 20 }, (_each, place) => place + 1));
  const behind = reading.order.slice(reading.order.indexOf("reset epoch"));
  expect(behind).toEqual(["reset epoch", ...Array.from({ length: 20 }, (_each, place) => last + 1 + place)]);
  expect(reading.resets.at(-1)).toMatchObject({
    epoch: "epoch-two",
    relation: "epoch",
    isContinued: true,
    mirrored: last,
    erased: expect.arrayContaining([erased]),
    horizon: { seq: last },
  });
  expect(reading.reports).toContain("original");
});

test("a log of which the seat has gone lives by nothing that it says after its fence", async () => {
  const { config } = await (await here.manager()).streams.info(STREAM);
  const metadata = { ...config.metadata, sluice_fenced: "2" };
  const looks = reading.looks();
  await waitFor("a look", () => reading.looks() > looks);
  await ask(here, `$JS.API.STREAM.UPDATE.${STREAM}`, { ...config, subjects: ["fenced"], metadata });
  const before = reading.reports.length;
  await waitFor("the fence is seen", () => reading.reports.at(-1) === "fenced");
  // A look may have been under way.
  expect(reading.reports.slice(before).filter((report) => report === "alive").length).toBeLessThan(2);
});

async function makeMirror(): Promise<void> {
  const mirror = { name: STREAM, external: { api: "$JS.eu.API", deliver: "" }, consumer: CONSUMER };
  await ask(here, `$JS.API.STREAM.CREATE.${STREAM}`, { ...LOG, metadata: OLD, mirror });
}

/** Has the consumer that feeds the mirror go on behind a sequence. */
async function resetConsumer(seq: number): Promise<void> {
  await ask(origin, `$JS.API.CONSUMER.RESET.${STREAM}.${CONSUMER.name}`, { seq: seq + 1 });
}

async function lastSeqOf(bus: Bus): Promise<number> {
  return (await (await bus.manager()).streams.info(STREAM)).state.last_seq;
}

/** What an edge in region us reads the mirror by. */
async function openEdge() {
  const own = new AsyncDisposableStack();
  const now = (): number => performance.now();
  const connection = own.adopt(await connectService(regions.us.servers[0].url("stream-eu")), (nats) => nats.close());
  const bus = own.use(await openPacedBus(connection));
  const mirrors = own.use(openMirrorWatch(bus, now));
  return { bus, mirrors, now, [Symbol.asyncDispose]: () => own.disposeAsync() };
}

/** A feed of the edge in region us, and its reports. */
async function openReading() {
  const own = new AsyncDisposableStack();
  const { bus, mirrors, now } = own.use(await openEdge());
  const entries: LogEntry[] = [];
  const order: (number | string)[] = [];
  const reports: string[] = [];
  const silences: number[] = [];
  let looks = 0;
  const resets: LogReset[] = [];
  const listener: FeedListener = {
    onReset(reset) {
      resets.push(reset);
      order.push(`reset ${reset.relation}`);
      reports.push(`reset ${reset.relation}`);
    },
    onEntry(entry) {
      order.push(entry.position.seq);
      return entries.push(entry) > 0;
    },
    onHoles: () => void reports.push("holes"),
    onErasures: (erased) => void order.push(...erased.map(({ through }) => `erased ${through}`)),
    onBounds: () => void (looks += 1),
    onPurged: () => void reports.push("purged"),
    onSource: (source) => void reports.push(source),
    onOrigin: (_, silentMs) => void silences.push(silentMs),
    onAlive: () => void reports.push("alive"),
    onMissing: () => void reports.push("missing"),
  };
  const turns = new Turns({ now, checkClock: () => {} }).forTenant();
  const log = createLogger("test", "silent");
  const deps = { bus, mirrors, seat, now, turns, maxEventBytes: 1_000, log, observer: silentObserver() };
  try {
    own.use(await openFeed("acme", listener, deps));
  } catch (error) {
    await own.disposeAsync();
    throw error;
  }
  opened.use(own);
  const topics = (): string[] => entries.flatMap((entry) => (entry.kind === "event" ? [entry.topic] : []));
  return { entries, order, reports, silences, resets, topics, looks: () => looks };
}

async function busOf(region: "eu" | "us", user: "policy" | "policy-eu"): Promise<Bus> {
  const bus = await openBus(regions[region].servers[0].url(user), user);
  opened.defer(() => bus.connection.close());
  return bus;
}

async function publish(bus: Bus, id: string): Promise<void> {
  const user = bus === origin ? "publish" : "publish-eu";
  const at = bus === origin ? regions.eu : regions.us;
  const publisher = await openBus(at.servers[0].url(user), user);
  try {
    const named = headers();
    named.set("Nats-Msg-Id", id);
    const reply = await publisher.connection.request(`ingest.acme.a.b.${id}`, id, { timeout: 5_000, headers: named });
    if (reply.json<{ error?: object }>().error !== undefined) throw new Error(reply.string());
  } finally {
    await publisher.connection.close();
  }
}

async function publishUntilStored(id: string): Promise<void> {
  await waitFor("the event is stored", () =>
    publish(here, id).then(
      () => true,
      () => false,
    ),
  );
}

async function ask({ connection }: Bus, subject: string, body: object): Promise<unknown> {
  const reply = await connection.request(subject, JSON.stringify(body), { timeout: 10_000 });
  const answer = reply.json<{ error?: { description: string } }>();
  if (answer.error !== undefined) throw new Error(answer.error.description);
  return answer;
}
