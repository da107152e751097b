import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { type Admission, admitHome } from "../../scripts/failover/admit-home.ts";
import { startClosedServer } from "../../scripts/failover/closed-server.ts";
import { fenceSeat } from "../../scripts/failover/fence-home.ts";
import { type HomeStream, standingOf, streamSchema } from "../../scripts/failover/home-stream.ts";
import { promoteHome } from "../../scripts/failover/promote-home.ts";
import { rejoinHome } from "../../scripts/failover/rejoin-home.ts";
import { requireOneWriter } from "../../scripts/failover/require-one-writer.ts";
import type { Tell } from "../../scripts/failover/tell.ts";
import { answers, highestTerm, type RegionView, requireRegion, viewHome } from "../../scripts/failover/view-home.ts";
import { filesBelow } from "../../scripts/shared/files-below.ts";
import { ask, keepMirrors } from "./home-pair-streams.ts";
import { freePort } from "./ports.ts";
import type { HomePair } from "./start-home-pair.ts";
import type { RegionName } from "./start-region-servers.ts";
import { waitFor } from "./wait.ts";

/** The tenants whose logs are written. */
export const TENANTS = ["acme", "zoo"] as const;

/** Short, so that a walk takes many steps: a mirror hears its original each second, and a dead command's lock goes after one. */
const SILENT_MS = 1_500;
const LOCK_MS = 1_000;

/** Commands die where they are told to. */
export class Death extends Error {}

/** An event that a log said it has stored. */
export interface Acknowledged {
  readonly log: string;
  readonly topic: string;
}

/** What a walk does to two regions, one call each, by the code of the commands. */
export interface RegionWorld {
  readonly acknowledged: readonly Acknowledged[];
  /** Publishes in a region; answers the regions whose log has stored it. */
  publish(region: RegionName, tenant: string): Promise<RegionName[]>;
  fence(region: RegionName, diesAfter?: number): Promise<void>;
  promote(to: RegionName, options?: { readonly isLost?: boolean; readonly diesAfter?: number }): Promise<void>;
  rejoin(region: RegionName, diesAfter?: number): Promise<void>;
  /** Sends the update of a process that has read a log's settings while it was open, if the stream is still the one that it has read. */
  updateLate(region: RegionName): Promise<void>;
  /** What `region admit --watch` does each second. */
  watch(region: RegionName): Promise<Admission | undefined>;
  /** Starts a region's server if it may be started; by a person's word where nobody can say so. */
  start(region: RegionName, byWord?: boolean): Promise<Admission>;
  /** The highest term of a region whose server is stopped. */
  termOfStopped(region: RegionName): Promise<number>;
  /** Opens the links again and makes mirrors, as far as both regions are there. */
  repair(): Promise<void>;
  isLinked(): Promise<boolean>;
  /** A log's entries in a region: `<sequence> <subject>`. */
  entries(region: RegionName, tenant: string): Promise<string[]>;
  /** The topics in the files that rejoining has written. */
  exported(): Promise<Set<string>>;
}

/** Makes the calls. */
export function openRegionWorld(pair: HomePair, folder: string): RegionWorld {
  const acknowledged: Acknowledged[] = [];
  const read = new Map<string, HomeStream["config"]>();
  let published = 0;
  let rejoined = 0;
  const run = async <Result>(
    from: RegionName,
    diesAfter: number | undefined,
    command: (views: readonly RegionView[], tell: Tell) => Promise<Result>,
    regions = pair[from].regions,
  ): Promise<Result> => {
    await using owner = new AsyncDisposableStack();
    const views = await viewHome(regions, owner);
    let steps = 0;
    const tell: Tell = async () => {
      steps += 1;
      if (steps !== diesAfter) return;
      // A process that is killed releases nothing.
      await Promise.all(views.filter(answers).map(({ bus }) => bus.nats.close()));
      throw new Death();
    };
    return await command(views, tell).catch((error: unknown) => {
      throw steps >= (diesAfter ?? Number.POSITIVE_INFINITY) ? new Death() : error;
    });
  };
  const settings = { by: "walk", lockMs: LOCK_MS, levelMs: 2_000, silentMs: SILENT_MS };
  const linked = async (): Promise<boolean> => {
    const { client } = pair.us;
    if (client === undefined || pair.eu.client === undefined) return false;
    return client.request("$JS.eu.API.INFO", "", { timeout: 500 }).then(
      () => true,
      () => false,
    );
  };
  return {
    acknowledged,
    async publish(region, tenant) {
      const { client } = pair[region];
      if (client === undefined) return [];
      published += 1;
      const topic = `events.${tenant}.walk.step.${published}`;
      const isStored = await publishOnce(client, topic);
      if (isStored) acknowledged.push({ log: logStreamName(tenant), topic });
      const found = await Promise.all((["eu", "us"] as const).map((each) => isOriginalWith(pair, each, tenant, topic)));
      return (["eu", "us"] as const).filter((_, index) => found[index]);
    },
    fence: (region, diesAfter) =>
      run(region, diesAfter, async (views, tell) => void (await fenceSeat(views, region, { ...settings, tell }))),
    async promote(to, { isLost = false, diesAfter } = {}) {
      const lost = isLost ? (to === "eu" ? "us" : "eu") : undefined;
      const closeLink = () => pair.setLink(to, false);
      await run(to, diesAfter, (views, tell) => promoteHome(views, { ...settings, to, lost, tell, closeLink }));
    },
    async rejoin(region, diesAfter) {
      rejoined += 1;
      const options = { ...settings, region, folder: join(folder, String(rejoined)) };
      await run(region, diesAfter, (views, tell) => rejoinHome(views, { ...options, tell }));
    },
    async updateLate(region) {
      const { client } = pair[region];
      if (client === undefined) return;
      for (const tenant of TENANTS) {
        const name = logStreamName(tenant);
        const found = await ask<HomeStream & { created: string }>(client, `STREAM.INFO.${name}`, {}).catch(
          () => undefined,
        );
        if (found === undefined) continue;
        const before = read.get(`${region} ${name} ${found.created}`);
        if (before !== undefined) await ask(client, `STREAM.UPDATE.${name}`, before).catch(() => undefined);
        else if (standingOf(streamSchema.parse(found)).kind === "open")
          read.set(`${region} ${name} ${found.created}`, found.config);
      }
    },
    async watch(region) {
      if (pair[region].client === undefined) return undefined;
      return run(region, undefined, (views, tell) => admitHome(views, { ...settings, region, tell }));
    },
    async start(region, byWord = false) {
      const admission = await askClosed(pair, region, (regions) =>
        run(region, undefined, (views, tell) => admitHome(views, { ...settings, region, tell }), regions),
      );
      if (admission.answer !== "unknown" || byWord) await pair[region].start();
      return admission;
    },
    termOfStopped: (region) =>
      askClosed(pair, region, (regions) =>
        run(region, undefined, async (views) => highestTerm(requireRegion(views, region)), regions),
      ),
    async repair() {
      await run("us", undefined, async (views) => requireOneWriter(views));
      for (const region of ["eu", "us"] as const) await pair.setLink(region, true);
      await waitFor("the link is there", linked);
      for (const region of ["eu", "us"] as const) if (await isEmpty(pair, region)) await keepMirrors(pair, region);
    },
    isLinked: linked,
    entries: (region, tenant) => entriesOf(pair[region].client, tenant),
    exported: () => exportedTopics(folder),
  };
}

async function publishOnce(client: NatsConnection, topic: string): Promise<boolean> {
  const id = headers();
  id.set("Nats-Msg-Id", topic);
  try {
    const answer = (await client.request(topic, "{}", { timeout: 1_000, headers: id })).json<{ error?: object }>();
    return answer.error === undefined;
  } catch {
    return false;
  }
}

async function isOriginalWith(pair: HomePair, region: RegionName, tenant: string, topic: string): Promise<boolean> {
  const { client } = pair[region];
  if (client === undefined) return false;
  const name = logStreamName(tenant);
  const stream = await ask<object>(client, `STREAM.INFO.${name}`, {}).catch(() => undefined);
  if (stream === undefined || standingOf(streamSchema.parse(stream)).kind !== "open") return false;
  return ask(client, `STREAM.MSG.GET.${name}`, { last_by_subj: topic }).then(
    () => true,
    () => false,
  );
}

/** Asks while the region's server runs closed, as before each start. */
async function askClosed<Answer>(
  pair: HomePair,
  region: RegionName,
  question: (regions: HomePair["eu"]["regions"]) => Promise<Answer>,
): Promise<Answer> {
  const { config, regions } = pair[region];
  const port = await freePort();
  await using _ = await startClosedServer({ config, args: [], port, env: process.env });
  const here = regions.get(region);
  if (here === undefined) throw new Error(`there is no region ${region}`);
  return await question(new Map([...regions, [region, { ...here, servers: [{ host: "127.0.0.1", port }] }]]));
}

async function isEmpty(pair: HomePair, region: RegionName): Promise<boolean> {
  const { client } = pair[region];
  if (client === undefined) return false;
  return (await ask<{ total: number }>(client, "STREAM.NAMES", {})).total === 0;
}

async function entriesOf(client: NatsConnection | undefined, tenant: string): Promise<string[]> {
  if (client === undefined) return [];
  const entries: string[] = [];
  for (let seq = 1; ; seq += 1) {
    const found = await ask<{ message: { seq: number; subject: string } }>(
      client,
      `STREAM.MSG.GET.${logStreamName(tenant)}`,
      { seq, next_by_subj: ">" },
    ).catch(() => undefined);
    if (found === undefined) return entries;
    seq = found.message.seq;
    entries.push(`${seq} ${found.message.subject}`);
  }
}

async function exportedTopics(folder: string): Promise<Set<string>> {
  const topics = new Set<string>();
  for (const file of await filesBelow(folder)) {
    const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
    for (const line of lines) topics.add((JSON.parse(line) as { subject: string }).subject);
  }
  return topics;
}
