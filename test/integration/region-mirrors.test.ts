import { headers } from "@nats-io/transport-node";
import { type JetStreamManager, StorageType, type StreamConfig } from "@nats-io/jetstream";
import { Registry } from "prom-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SEAT_STREAM, TERM_METADATA } from "#shared/contract/home.ts";
import { EPOCH_METADATA, logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";
import { keepMirrors, type MirrorKeeping } from "#shared/nats/mirrors/keep-mirrors.ts";
import { LackWatch } from "#shared/nats/mirrors/lack-watch.ts";
import { mirrorCalls } from "#shared/nats/mirrors/mirror-calls.ts";
import { createMirrorMetrics } from "#shared/nats/mirrors/mirror-metrics.ts";
import { PurgeFollower } from "#shared/nats/mirrors/purge-follower.ts";
import { SilenceWatch } from "#shared/nats/mirrors/silence-watch.ts";
import { jetStreamOf } from "#shared/nats/home/read-holding.ts";
import { type Bus, openBus } from "#test/support/start-stack.ts";
import { type RegionBrokers, startRegionBrokers } from "#test/support/start-region-servers.ts";
import { waitFor } from "#test/support/wait.ts";
import { policyStreams } from "../../services/policy/bus/kept-mirrors.ts";

const opened = new AsyncDisposableStack();
let regions: RegionBrokers;
let origin: Bus;
let standby: Bus;
let there: JetStreamManager;
let here: JetStreamManager;
let keeping: MirrorKeeping;
let nowMs = 0;
const said: string[] = [];

beforeAll(async () => {
  regions = opened.use(await startRegionBrokers());
  origin = opened.adopt(await openBus(regions.eu.servers[0].url("policy"), "policy"), (bus) => bus.connection.close());
  standby = opened.adopt(await openBus(regions.us.servers[0].url("policy-eu"), "policy-eu"), (bus) =>
    bus.connection.close(),
  );
  [there, here] = [await origin.manager(), await standby.manager()];
  await make(SEAT_STREAM, ["$KV.sluice_policy.>"], { [TERM_METADATA]: "3" });
  const place = { here: "us", origin: "eu", replicas: 1 };
  const nats = standby.connection;
  keeping = {
    place,
    here,
    there: await jetStreamOf(nats, "eu"),
    streams: policyStreams,
    calls: mirrorCalls(nats, place),
    purges: new PurgeFollower({ here, there: await jetStreamOf(nats, "eu"), now: () => performance.now() }),
    silences: new SilenceWatch(() => performance.now()),
    lacks: new LackWatch({ here, there: await jetStreamOf(nats, "eu"), now: () => nowMs }),
    metrics: createMirrorMetrics(new Registry()),
    log: { write: (_, kind) => void said.push(kind), [Symbol.dispose]: () => undefined },
  };
  await waitFor("the link is there", () =>
    keep().then(
      () => true,
      () => undefined,
    ),
  );
});
afterAll(() => opened.disposeAsync());

test("a mirror has the entries, the epoch and the term of its original, and its settings from then on", async () => {
  const stream = await makeLog("acme", "first-epoch");
  await Promise.all([keep(), keep()]);
  const header = headers();
  header.set("Nats-Msg-Id", "one");
  header.set("X-Kind", "first");
  await origin.connection.request("control.acme.policy", "{}", { headers: header, timeout: 10_000 });
  const [original, copy] = [
    await entry(there, stream, 1),
    await waitFor("the entry is mirrored", () => entry(here, stream, 1)),
  ];
  expect(copy).toEqual(original);
  expect((await here.streams.info(SEAT_STREAM)).config.metadata).toMatchObject({ [TERM_METADATA]: "3" });
  await there.streams.update(stream, {
    ...(await there.streams.info(stream)).config,
    max_bytes: 1_000_000,
    max_age: 600e9,
  });
  await keep();
  const { config } = await here.streams.info(stream);
  expect(config).toMatchObject({ max_bytes: 1_000_000, max_age: 600e9, metadata: { [EPOCH_METADATA]: "first-epoch" } });
  expect(said.filter((kind) => kind !== "made")).toEqual([]);
});

test("a stream that is gone takes its mirror with it; one that was made anew, or restored, has its mirror made anew", async () => {
  const streams = [
    await makeLog("gone", "epoch-of-it"),
    await makeLog("again", "epoch-of-it"),
    await makeLog("restored", "epoch-1"),
  ];
  const [gone, again, restored] = streams as [string, string, string];
  await keep();
  for (const tenant of ["again", "restored"]) await origin.publish(`control.${tenant}.policy`, "{}");
  await waitFor("they are mirrored", async () => (await last(again)) === 1 && (await last(restored)) === 1);
  await there.streams.delete(gone);
  await there.streams.delete(again);
  await makeLog("again", "epoch-of-it");
  await there.streams.update(restored, {
    ...(await there.streams.info(restored)).config,
    metadata: { [EPOCH_METADATA]: "epoch-2" },
  });
  await keep();
  await expect(here.streams.info(gone)).rejects.toThrow(/not found/);
  expect((await here.streams.info(again)).state.messages).toBe(0);
  expect((await here.streams.info(restored)).config.metadata).toMatchObject({ [EPOCH_METADATA]: "epoch-2" });
  await waitFor("the restored log is mirrored again", async () => (await last(restored)) === 1);
});

test("the mirror of an original whose entries are all gone stands where that does", async () => {
  const stream = await makeLog("empty", "epoch-1");
  for (let entries = 1; entries <= 3; entries += 1) await origin.publish("control.empty.policy", "{}");
  await there.streams.purge(stream);
  await keep();
  await waitFor("they are level", async () => (await last(stream)) === 3);
});

test("a subject that is purged from a bucket goes from its mirror, and one that came back stays", async () => {
  await make("KV_sluice_policy_parts", ["$KV.sluice_policy_parts.>"]);
  await keep();
  const put = (key: string) => origin.publish(`$KV.sluice_policy_parts.${key}`, "1");
  for (const key of ["kept", "purged", "back"]) await put(key);
  await waitFor("the bucket is mirrored", async () => (await last("KV_sluice_policy_parts")) === 3);
  for (const key of ["purged", "back"])
    await there.streams.purge("KV_sluice_policy_parts", { filter: `$KV.sluice_policy_parts.${key}` });
  await put("back");
  await waitFor("the last one is mirrored", async () => (await last("KV_sluice_policy_parts")) === 4);
  await keep();
  const { subjects } = (await here.streams.info("KV_sluice_policy_parts", { subjects_filter: ">" })).state;
  expect(Object.keys(subjects ?? {}).toSorted()).toEqual([
    "$KV.sluice_policy_parts.back",
    "$KV.sluice_policy_parts.kept",
  ]);
});

test("a mirror that lacks an entry, or the last version of a key, is made anew once it has for ten seconds", async () => {
  const [log, bucket] = [await makeLog("lacking", "epoch-1"), "KV_sluice_versions"];
  await make(bucket, ["control.versions.>"], {}, { max_msgs_per_subject: 1 });
  await keep();
  for (const kind of ["policy", "erased", "policy"]) await origin.publish(`control.lacking.${kind}`, "{}");
  const put = (key: string, version: string) => origin.publish(`control.versions.${key}`, version);
  await put("policy", "1");
  await waitFor("they are mirrored", async () => (await last(log)) === 3 && (await last(bucket)) === 1);
  await here.streams.purge(log, { filter: "control.lacking.erased" });
  regions.link("reset");
  await put("policy", "2");
  // As nats-server before 2.15.3 does by itself where a link is cut while entries are on their way.
  await origin.connection.request(`$JS.API.CONSUMER.RESET.${bucket}.mirror_us`, '{"seq":3}', { timeout: 10_000 });
  regions.link("pass");
  await put("erased", "1");
  await waitFor("they are level", async () => (await last(bucket)) === 3, 30_000);
  const before = said.length;
  const lacking = async () => [(await entry(here, log, 2)) === undefined, (await entry(here, bucket, 2)) === undefined];
  for (nowMs of [1_000_000, 1_009_999]) {
    await keep();
    expect(await lacking()).toEqual([true, true]);
  }
  nowMs = 1_010_000;
  await keep();
  await waitFor("they have everything", async () => (await last(log)) === 3 && (await last(bucket)) === 3, 30_000);
  expect(await entry(here, log, 2)).toEqual(await entry(there, log, 2));
  expect(await entry(here, bucket, 2)).toMatchObject({ body: "2" });
  for (nowMs of [1_100_000, 1_200_000]) await keep();
  expect(said.slice(before)).toEqual(["remade", "remade"]);
});

test("what was purged right before a fence goes from the mirror all the same", async () => {
  const bucket = "KV_sluice_policy_parts";
  await make(bucket, ["$KV.sluice_policy_parts.>"]);
  await keep();
  const { last_seq } = (await there.streams.info(bucket)).state;
  for (const key of ["fenced.kept", "fenced.purged"]) await origin.publish(`$KV.sluice_policy_parts.${key}`, "1");
  await waitFor("the bucket is mirrored", async () => (await last(bucket)) === last_seq + 2);
  await there.streams.purge(bucket, { filter: "$KV.sluice_policy_parts.fenced.purged" });
  const seat = (await there.streams.info(SEAT_STREAM)).config;
  await there.streams.update(SEAT_STREAM, { ...seat, metadata: { ...seat.metadata, sluice_fenced: "2" } });
  keeping = { ...keeping, purges: new PurgeFollower({ here, there: keeping.there, now: () => performance.now() }) };
  await keep();
  const { subjects = {} } = (await here.streams.info(bucket, { subjects_filter: ">" })).state;
  expect(Object.keys(subjects)).toContain("$KV.sluice_policy_parts.fenced.kept");
  expect(Object.keys(subjects)).not.toContain("$KV.sluice_policy_parts.fenced.purged");
  await there.streams.update(SEAT_STREAM, seat);
});

test("a stream that was promoted is left alone", async () => {
  const stream = await makeLog("promoted", "epoch-1");
  await keep();
  const { mirror: _, ...config } = (await here.streams.info(stream)).config;
  await standby.connection.request(
    `$JS.API.STREAM.UPDATE.${stream}`,
    JSON.stringify({ ...config, subjects: ["kept.here"] }),
    { timeout: 10_000 },
  );
  await there.streams.delete(stream);
  await keep();
  expect((await here.streams.info(stream)).config.subjects).toEqual(["kept.here"]);
});

test("an origin that was made anew takes nothing with it, and neither does one that is fenced", async () => {
  const stream = await makeLog("survivor", "epoch-1");
  await keep();
  const seat = (await there.streams.info(SEAT_STREAM)).config;
  await there.streams.update(SEAT_STREAM, { ...seat, metadata: { ...seat.metadata, sluice_fenced: "2" } });
  await there.streams.delete(stream);
  await keep();
  expect((await here.streams.info(stream)).config.mirror).toBeDefined();
  await there.streams.delete(SEAT_STREAM);
  await make(SEAT_STREAM, ["$KV.sluice_policy.>"]);
  await keep();
  expect((await here.streams.info(stream)).config.mirror).toBeDefined();
  expect(said.at(-1)).toBe("origin");
});

function keep(): Promise<void> {
  return keepMirrors(keeping, new AbortController().signal);
}

async function makeLog(tenant: string, epoch: string): Promise<string> {
  await make(logStreamName(tenant), logSubjects(tenant), { [EPOCH_METADATA]: epoch });
  return logStreamName(tenant);
}

async function make(
  name: string,
  subjects: string[],
  metadata: Record<string, string> = {},
  limits: Partial<StreamConfig> = {},
): Promise<void> {
  const config: Partial<StreamConfig> = { storage: StorageType.File, allow_atomic: true, deny_delete: true, metadata };
  await there.streams.add({ ...config, ...limits, name, subjects });
}

async function last(stream: string): Promise<number> {
  return (await here.streams.info(stream)).state.last_seq;
}

/** Everything of an entry that readers see. */
async function entry({ streams }: JetStreamManager, stream: string, seq: number): Promise<object | undefined> {
  const message = await streams.getMessage(stream, { seq });
  if (message === null) return undefined;
  const { subject, timestamp, header } = message;
  return { subject, timestamp, seq: message.seq, headers: [...header], body: message.string() };
}
