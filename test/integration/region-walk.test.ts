import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { ScriptError } from "../../scripts/shared/run-script.ts";
import { amountOf, timeoutOf } from "#test/soak/amount.ts";
import { keepMirrors, makeHome } from "#test/support/home-pair-streams.ts";
import { random } from "#test/support/random.ts";
import { Death, openRegionWorld, type RegionWorld, TENANTS } from "#test/support/region-world.ts";
import { type HomePair, startHomePair } from "#test/support/start-home-pair.ts";
import type { RegionName } from "#test/support/start-region-servers.ts";
import { waitFor } from "#test/support/wait.ts";

const REGIONS = ["eu", "us"] as const;

/** Mirrors of servers that were killed take some seconds to be fed again. */

/** nats-server tries each second to link. */
const LINK_MS = 1_500;

const STEPS = amountOf("region-walk", 20);

const owner = new AsyncDisposableStack();
let folder: string;
let pair: HomePair;
let world: RegionWorld;

/** What a person did, and whether it was true. */
let isCut = false;
let isWordFalse = false;
let hasLost = false;
const trace: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-walk-"));
  owner.defer(() => rm(folder, { recursive: true, force: true }));
  pair = owner.use(await startHomePair());
  world = openRegionWorld(pair, folder);
  if (pair.eu.client === undefined) throw new Error("region eu did not start");
  await makeHome(pair.eu.client, TENANTS);
  await waitFor("the link is there", () => world.isLinked());
  await keepMirrors(pair, "us");
});
afterAll(() => owner.disposeAsync());

test(
  "no order of cuts, kills and commands has two regions take events, and every event that was acknowledged is kept",
  async () => {
    try {
      for (let step = 0; step < STEPS; step += 1) {
        await takeStep();
        await requireOneWriter();
      }
      await settle();
    } catch (error) {
      throw new Error(`${(error as Error).message}\nafter:\n  ${trace.join("\n  ")}`, { cause: error });
    }
  },
  timeoutOf(120_000),
);

/** Steps in the order of how often they are taken. */
const ACTIONS: readonly (readonly [weight: number, name: string, act: (region: RegionName) => Promise<unknown>])[] = [
  [4, "publish in", (region) => world.publish(region, "acme")],
  [3, "late update by a process in", (region) => world.updateLate(region)],
  [2, "cut the network, seen from", cut],
  [3, "heal the network, seen from", heal],
  [1, "fence", (region) => refusable(world.fence(region))],
  [4, "promote", (region) => refusable(world.promote(region))],
  [3, "promote for lost", promoteLost],
  [2, "kill the server of", (region) => pair[region].kill()],
  [4, "start the server of", start],
  [1, "by word start the server of", startByWord],
  [3, "promote and die in", (region) => refusable(world.promote(region, { diesAfter: below(12) }))],
  [1, "promote for lost and die in", (region) => promoteLost(region, below(6))],
  [3, "rejoin", rejoin],
  [2, "open the links, seen from", repair],
  [1, "rejoin and die in", (region) => refusable(world.rejoin(region, below(10)))],
];

async function takeStep(): Promise<void> {
  let pick = random() * ACTIONS.reduce((sum, [weight]) => sum + weight, 0);
  const [, name, act] = ACTIONS.find(([weight]) => (pick -= weight) < 0) ?? ACTIONS[0]!;
  const region = random() < 0.5 ? "eu" : "us";
  trace.push(`${name} ${region}`);
  await act(region);
  if (!isCut) await watchBoth();
}

/** The bus may refuse a command, and a command may refuse to do what would be wrong; nothing else may go wrong. */
async function refusable(command: Promise<unknown>): Promise<boolean> {
  try {
    await command;
    return true;
  } catch (error) {
    if (!(error instanceof ScriptError || error instanceof Death)) throw error;
    trace.push(`  ${error instanceof Death ? "died" : error.message}`);
    return false;
  }
}

function below(limit: number): number {
  return 1 + Math.floor(random() * limit);
}

async function cut(): Promise<void> {
  isCut = true;
  pair.net("reset");
}

async function heal(): Promise<void> {
  isCut = false;
  pair.net("pass");
  if (!isWordFalse) return;
  // A link that came back now would carry events to both before anybody has looked.
  await waitFor("the link is there", () => world.isLinked(), LINK_MS).catch(() => undefined);
  await requireOneWriter();
}

async function start(region: RegionName): Promise<void> {
  if (pair[region].client !== undefined) return;
  trace.push(`  ${(await world.start(region)).answer}`);
}

/** The word is that the other region has not taken over. */
async function startByWord(region: RegionName): Promise<void> {
  if (pair[region].client !== undefined) return;
  const { answer } = await world.start(region, true);
  if (answer === "unknown") isWordFalse = true;
}

/** A person's word is false where the server runs: then both take events until they see each other. */
async function promoteLost(region: RegionName, diesAfter?: number): Promise<void> {
  const runs = pair[otherOf(region)].client !== undefined;
  const before = trace.length;
  const isDone = await refusable(
    waitFor("the mirrors have heard nothing for long enough", () => tryLost(region, diesAfter)),
  );
  const hasBegun = isDone || trace.slice(before).some((line) => line.includes("died"));
  if (!hasBegun) return;
  hasLost = true;
  if (runs) isWordFalse = true;
}

async function tryLost(region: RegionName, diesAfter?: number): Promise<true | undefined> {
  try {
    await world.promote(region, { isLost: true, ...(diesAfter === undefined ? {} : { diesAfter }) });
    return true;
  } catch (error) {
    if (error instanceof ScriptError && error.message.includes("ms ago")) return undefined;
    throw error;
  }
}

async function rejoin(region: RegionName): Promise<void> {
  if (await refusable(world.rejoin(region))) await repair();
}

async function repair(): Promise<void> {
  if (!isCut && REGIONS.every((each) => pair[each].client !== undefined)) await refusable(world.repair());
}

function otherOf(region: RegionName): RegionName {
  return region === "eu" ? "us" : "eu";
}

async function watchBoth(): Promise<void> {
  for (const region of REGIONS) await refusable(world.watch(region).then(() => undefined));
  // They have seen each other.
  if (REGIONS.every((region) => pair[region].client !== undefined)) isWordFalse = false;
}

/** Where both are stopped neither can ask the other: the one that holds the home by the higher term is started by a person's word. */
async function startStopped(): Promise<void> {
  const stopped = REGIONS.filter((region) => pair[region].client === undefined);
  const terms = new Map<RegionName, number>();
  for (const region of stopped) terms.set(region, await world.termOfStopped(region));
  const [first, ...rest] = stopped.toSorted((a, b) => (terms.get(b) ?? 0) - (terms.get(a) ?? 0));
  if (first !== undefined) await world.start(first, stopped.length === REGIONS.length);
  for (const region of rest) await world.start(region);
}

/** An event is never stored by two regions, and one region takes events; two only by a false word, until they see each other. */
async function requireOneWriter(): Promise<void> {
  for (const tenant of TENANTS) {
    const writers = new Set<RegionName>();
    for (const region of REGIONS) {
      const stored = await world.publish(region, tenant);
      expect(
        stored.length,
        `an event of ${tenant} that was published in ${region} is stored by ${stored.join(" and ")}`,
      ).toBeLessThan(2);
      for (const each of stored) writers.add(each);
    }
    const allowed = isWordFalse ? 2 : 1;
    expect(writers.size, `who takes events of ${tenant}: ${[...writers].join(" and ")}`).toBeLessThanOrEqual(allowed);
  }
}

/** Does what a person does to come to an end, whatever the walk has left. */
async function settle(): Promise<void> {
  trace.push("settle");
  await heal();
  await startStopped();
  await watchBoth();
  await requireOneWriter();
  // A mirror hears its original again a moment after the link is back; until then nobody may promote it.
  await waitFor("one region takes events", async () => {
    for (const region of REGIONS) await refusable(world.rejoin(region));
    await refusable(world.repair());
    if ((await world.publish("us", "acme")).length > 0) return true;
    for (const region of REGIONS) await refusable(world.promote(region));
    return false;
  });
  for (const region of REGIONS) await refusable(world.rejoin(region));
  await refusable(world.repair());
  await requireOneWriter();
  expect((await world.publish("us", "acme")).length, "one region takes events in the end").toBe(1);
  const exported = await world.exported();
  for (const tenant of TENANTS) {
    const [there, here] = await waitFor("both have the same", async () => {
      const both = await Promise.all(REGIONS.map((region) => world.entries(region, tenant)));
      return both[0]?.join() === both[1]?.join() ? both : undefined;
    });
    expect(there).toEqual(here);
    const kept = new Set(there?.map((entry) => entry.split(" ")[1]));
    const acknowledged = world.acknowledged.filter(({ log }) => log === logStreamName(tenant));
    const missing = acknowledged.filter(({ topic }) => !kept.has(topic));
    expect(missing.filter(({ topic }) => !exported.has(topic))).toEqual([]);
    expect(hasLost || missing.length === 0, "what is missing was lost with a region").toBe(true);
  }
}
