import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EPOCH_METADATA, logStreamName } from "#shared/contract/tenant-log.ts";
import { readRegions } from "../../scripts/failover/regions.ts";
import { rejoinHome } from "../../scripts/failover/rejoin-home.ts";
import { viewHome } from "../../scripts/failover/view-home.ts";
import { sluice } from "#test/support/run-sluice.ts";
import { NATS_PASSWORD } from "#test/support/start-nats.ts";
import type { RegionName } from "#test/support/start-region-servers.ts";
import { becomesReady, type Regions, startRegions } from "#test/support/start-regions.ts";
import type { Bus } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const PATIENCE_MS = 500;

let regions: Regions;
let folder: string;
let env: NodeJS.ProcessEnv;
const buses = {} as Record<RegionName, Bus>;
const publishers = {} as Record<RegionName, Bus>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-failover-"));
  regions = await startRegions();
  for (const region of ["eu", "us"] as const) {
    buses[region] = await regions.bus(region, "eu", "policy");
    publishers[region] = await regions.bus(region, "eu", "publish");
  }
  env = { SLUICE_REGIONS: ["eu", "us"].map((region) => `${region}=${operatorUrl(region as RegionName)}`).join(" ") };
  await becomesReady(regions.eu.eu.ports.policy);
  await waitFor(
    "each stream has a mirror that has all",
    async () => (await sluice(["region", "status"], { env })).code === 0,
  );
});
afterAll(async () => {
  await regions[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const operatorUrl = (region: RegionName): string => {
  const user = region === "eu" ? "operator" : "operator-eu";
  return `nats://${user}:${NATS_PASSWORD}@127.0.0.1:${regions.brokers[region].servers[0].port}`;
};

const authUrl = (region: RegionName): string => operatorUrl(region).replace("operator", "auth");

/** The results of a command that must succeed. */
async function run(args: readonly string[]): Promise<Record<string, unknown>[]> {
  const { code, out, err } = await sluice(["region", ...args, "--json"], { env });
  expect([code, code === 0 ? [] : err]).toEqual([0, []]);
  return out.map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function infoOf(region: RegionName, stream: string) {
  return (await buses[region].manager()).streams.info(stream);
}

test("the seat is where the home was made, and the other region mirrors it", async () => {
  expect(await run(["status"])).toMatchObject([
    {
      regions: [
        { region: "eu", state: "seat", term: 1 },
        { region: "us", state: "mirror", behind: 0 },
      ],
    },
  ]);
});

test("what would be wrong is refused, and the command says what to do", async () => {
  const refused = async (...args: string[]) => {
    const { code, err } = await sluice(["region", ...args], { env });
    return [code, err.at(-1)];
  };
  expect(await refused("promote", "us", "--lost", "eu", "--confirm", "us")).toEqual([
    1,
    expect.stringContaining("--confirm names us"),
  ]);
  expect(await refused("promote", "us", "--lost", "eu")).toEqual([2, expect.stringContaining("add --confirm eu")]);
  expect(await refused("promote", "us", "--lost", "eu", "--confirm", "eu")).toEqual([
    1,
    expect.stringContaining("eu answers, so it is not lost"),
  ]);
  expect(await refused("fence", "us", "--yes")).toEqual([
    1,
    expect.stringContaining("mirrors region eu: nothing was fenced"),
  ]);
  expect(await refused("rejoin", "eu", "--out", folder, "--yes")).toEqual([
    1,
    expect.stringContaining("no other region holds this home by a higher term"),
  ]);
  expect(await refused("link", "open")).toEqual([2, expect.stringContaining("--home names the home")]);
});

/** Publishes without a pause until it is told to stop, each event until it is taken; answers their names. */
async function publishOn(region: RegionName, stop: AbortSignal): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 1; !stop.aborted; n += 1) {
    const id = `${region}-${n}`;
    await take(region, id);
    ids.push(id);
  }
  return ids;
}

/** An event that is under way when its log is fenced gets no answer: the publisher's patience ends, and it tries again. */
const publish = (region: RegionName, id: string) => {
  const options = { msgID: id, timeout: PATIENCE_MS };
  return publishers[region].js.publish(`ingest.demo.push.event.${id}`, "{}", options);
};

/** Publishes an event until it is taken. */
function take(region: RegionName, id: string): Promise<true> {
  return waitFor("the event is taken", () =>
    publish(region, id).then(
      () => true as const,
      () => false,
    ),
  );
}

async function readTopics(region: RegionName): Promise<string[]> {
  const { streams } = await buses[region].manager();
  const { state } = await streams.info(logStreamName("demo"));
  const topics: string[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
    const message = await streams.getMessage(logStreamName("demo"), { seq });
    if (message?.subject.startsWith("events.demo.push.event.") === true) topics.push(message.subject);
  }
  return topics;
}

async function epochIn(region: RegionName): Promise<string | undefined> {
  return (await infoOf(region, logStreamName("demo"))).config.metadata?.[EPOCH_METADATA];
}

/** A process of before the fence that stands still. */
let held: NatsConnection;

test("a planned promotion under load loses and repeats nothing and keeps the epoch, and the other region's policy takes over", async () => {
  const epoch = await epochIn("eu");
  held = await connect({
    servers: authUrl("eu").split("@")[1] ?? "",
    user: "auth",
    pass: NATS_PASSWORD,
    name: "sluice-auth",
  });
  const stop = new AbortController();
  const publishing = [publishOn("eu", stop.signal), publishOn("us", stop.signal)];
  await waitFor("events come", async () => (await readTopics("eu")).length > 20);
  const [promotion] = await run(["promote", "us", "--by", "jane"]);
  expect(promotion).toMatchObject({ to: "us", from: "eu", term: 2, isLossless: true });
  await becomesReady(regions.eu.us.ports.policy);
  stop.abort();
  const [fromEu = [], fromUs = []] = await Promise.all(publishing);
  const topics = await readTopics("us");
  expect(topics.toSorted()).toEqual([...fromEu, ...fromUs].map((id) => `events.demo.push.event.${id}`).toSorted());
  expect(await epochIn("us")).toBe(epoch);
});

test("a region keeps its originals while a process of before the fence could still write into what comes in their place", async () => {
  const rejoin = async () => {
    await using owner = new AsyncDisposableStack();
    const options = { region: "eu", folder, by: "jane", tell: () => {}, endedMs: 0 };
    await rejoinHome(await viewHome(readRegions(env), owner), options);
  };
  await expect(rejoin()).rejects.toThrow(
    /sluice-auth at 127\.0\.0\.1 is connected since before the fence.*Nothing was deleted/,
  );
  expect((await infoOf("eu", logStreamName("demo"))).config.sealed).toBe(true);
  await held.close();
});

test("the region that was fenced comes back as a mirror, and what was done stands in the audit trail", async () => {
  for (const service of ["auth", "policy"] as const) await regions.eu.eu.start(service);
  expect(await run(["rejoin", "eu", "--out", join(folder, "planned"), "--by", "jane", "--yes"])).toMatchObject([
    { seat: "us", tails: [] },
  ]);
  await waitFor("region eu mirrors all", async () => (await sluice(["region", "status"], { env })).code === 0);
  expect(await run(["status"])).toMatchObject([
    {
      regions: [
        { region: "eu", state: "mirror" },
        { region: "us", state: "seat", term: 2 },
      ],
    },
  ]);
  const trail = await sluice(["audit", "--tenant", "@home", "--json"], { env: { NATS_URL: authUrl("us") } });
  expect(trail.out.map((line) => JSON.parse(line) as object)).toMatchObject([
    { event: "region_fenced", region: "eu", term: 1, by: "jane" },
    { event: "region_promoted", region: "us", from: "eu", term: 2, lossless: true, by: "jane" },
    { event: "region_rejoined", region: "eu", tails: {}, by: "jane" },
  ]);
});

test("a region whose servers are stopped is promoted without, with new epochs, and its tail is kept when it is back", async () => {
  const epoch = await epochIn("us");
  regions.brokers.link("reset");
  await take("us", "only-in-us");
  await regions.brokers.us.servers[0].stop();
  const promote = ["promote", "eu", "--lost", "us", "--confirm", "us", "--link-closed"];
  await waitFor(
    "the mirrors have heard nothing for long enough",
    async () => (await sluice(["region", ...promote], { env })).code === 0,
  );
  expect(await epochIn("eu")).not.toBe(epoch);
  await becomesReady(regions.eu.eu.ports.policy);
  expect(await readTopics("eu")).not.toContain("events.demo.push.event.only-in-us");
  await take("eu", "after");
  await regions.brokers.us.servers[0].start();
  const [rejoined] = await run(["rejoin", "us", "--out", join(folder, "lost"), "--yes"]);
  expect(rejoined).toMatchObject({
    seat: "eu",
    tails: expect.arrayContaining([expect.objectContaining({ stream: "EVENTS_demo", entries: 1 })]),
  });
  const [line] = (await readFile(join(folder, "lost", "EVENTS_demo.ndjson"), "utf8")).split("\n");
  expect(JSON.parse(line ?? "")).toMatchObject({ subject: "events.demo.push.event.only-in-us", data: "{}" });
});
