import { AUDIT_STREAM } from "#shared/contract/audit-log.ts";
import { mirroredUpTo, SEAT_STREAM } from "#shared/contract/home.ts";
import { lacksEntries } from "#shared/nats/mirrors/lacks-entries.ts";
import { ScriptError } from "../shared/run-script.ts";
import { fenceHome } from "./fence-home.ts";
import { readHoles } from "./holes.ts";
import { noteHomeChange } from "./home-audit.ts";
import { type HomeStream, promotedConfig, standingOf } from "./home-stream.ts";
import { inGroups } from "./in-groups.ts";
import { waitUntilUnlinked } from "./links.ts";
import { lockRegion } from "./lock-region.ts";
import type { RegionBus } from "./region-bus.ts";
import type { Tell } from "./tell.ts";
import {
  answers,
  type AnsweringRegion,
  highestTerm,
  isSeat,
  type RegionView,
  requireRegion,
  seatStanding,
  type SilentRegion,
} from "./view-home.ts";
import { waitUntilLevel, waitUntilReached } from "./wait-until-level.ts";

/** A mirror hears its original each second; one that has heard nothing for so long has none that lives, or no link. */
const SILENT_MS = 5_000;

/** How a home is promoted. */
export interface PromoteOptions {
  /** The region that takes over. */
  readonly to: string;
  /** The region whose servers are stopped, by somebody's word. */
  readonly lost?: string | undefined;
  readonly by: string;
  /** How long mirrors may take to become level, in milliseconds. */
  readonly levelMs: number;
  readonly lockMs?: number;
  readonly silentMs?: number;
  readonly tell: Tell;
  /** Closes the link to the lost region for events; called before anything is promoted. */
  readonly closeLink: () => Promise<void>;
}

/** What was promoted. */
export interface Promotion {
  readonly to: string;
  readonly from: string;
  readonly term: number;
  /** The streams that this call has promoted; none where the region had the seat already. */
  readonly promoted: readonly string[];
  readonly isLossless: boolean;
}

/**
 * Makes the mirrors of a home in one region its originals. Where the old region answers it is fenced first, and every mirror has all
 * of it before the first is promoted: nothing is lost, and epochs stay. A promotion that broke off is gone on with.
 * @throws {ScriptError} where the region cannot take over, with what stands against it.
 */
export async function promoteHome(views: readonly RegionView[], options: PromoteOptions): Promise<Promotion> {
  const { to } = options;
  const target = requireRegion(views, to);
  await using held = new AsyncDisposableStack();
  held.use(await lockRegion(target.bus, options.lockMs));
  const now: AnsweringRegion = { ...target, streams: await target.bus.streams() };
  if (isSeat(now) && !hasOlderOriginal(views, now)) {
    return { to, from: to, term: highestTerm(now), promoted: [], isLossless: true };
  }
  const from = originOf(now);
  const origin = views.find(({ region }) => region === from);
  if (origin === undefined) throw new ScriptError(`${to} mirrors region ${from}, which is not in SLUICE_REGIONS`);
  if (!answers(origin)) {
    requireStopped(origin, options);
    return await promoteWithout(now, origin.region, options);
  }
  if (options.lost !== undefined) {
    throw new ScriptError(
      `region ${from} answers, so it is not lost: promote without --lost, and nothing is lost either`,
    );
  }
  held.use(await lockRegion(origin.bus, options.lockMs));
  return await promoteAfterFence(now, origin, options);
}

/** Somebody may have promoted half of it, or the old region is back and open. */
function hasOlderOriginal(views: readonly RegionView[], target: AnsweringRegion): boolean {
  return views.filter(answers).some((each) => each.region !== target.region && seatStanding(each)?.kind === "open");
}

function originOf(target: AnsweringRegion): string {
  const { region, streams } = target;
  const seat = seatStanding(target);
  if (seat?.kind === "mirror") return seat.of;
  if (seat === undefined) {
    throw new ScriptError(
      `region ${region} has no mirrors of this home: start its auth and policy there, which make them`,
    );
  }
  if (seat.kind === "fenced") {
    throw new ScriptError(
      `region ${region} was fenced in term ${seat.term}: sluice region rejoin ${region} makes it a mirror first`,
    );
  }
  const names = streams.filter((each) => standingOf(each).kind !== "open").map(({ config }) => config.name);
  throw new ScriptError(
    names.length === 0
      ? `region ${region} has the seat, and so has another: sluice region rejoin closes the one with the lower term; of equal terms sluice region fence ends one of them first`
      : `region ${region} has the seat, but ${names.slice(0, 3).join(", ")} is no original there`,
  );
}

async function promoteAfterFence(
  target: AnsweringRegion,
  origin: AnsweringRegion,
  options: PromoteOptions,
): Promise<Promotion> {
  const { by, tell, levelMs, silentMs = SILENT_MS } = options;
  const standing = seatStanding(origin);
  if (standing === undefined || standing.kind === "mirror") {
    throw new ScriptError(
      `region ${origin.region} does not hold the home that ${target.region} mirrors: see sluice region status`,
    );
  }
  const originals = await origin.bus.streams();
  requireMirrors(originals, target);
  // A mirror may hear its original and take nothing: behind the fence, that would keep the home closed.
  await waitUntilReached(originals.filter(isOpen), target.bus, { levelMs, silentMs, origin: origin.bus });
  const fence = await fenceHome(origin.bus, by, tell);
  const mirrors = await waitUntilLevel(fence.streams, target.bus, { levelMs, tell, origin: origin.bus });
  const fenced = new Map(fence.streams.map((each) => [each.config.name, each]));
  const term = termOf(mirrors, fence.term);
  const promoted = await promoteStreams(target.bus, mirrors, term, {
    ...options,
    originals: fenced,
    from: origin.region,
  });
  // What a promotion that took the region for lost has promoted may lack the end of its original.
  const isLossless = mirrors.every((each) => {
    return (
      standingOf(each).kind === "mirror" || mirroredUpTo(each) >= (fenced.get(each.config.name)?.state.last_seq ?? 0)
    );
  });
  return { to: target.region, from: origin.region, term, promoted, isLossless };
}

/** Nothing opens a fenced home again, so it is looked first whether it can be taken over: each original has a mirror that has as much. */
function requireMirrors(originals: readonly HomeStream[], { region, streams }: AnsweringRegion): void {
  const open = originals.filter(isOpen);
  const there = new Map(streams.map((each) => [each.config.name, each]));
  const missing = open.find(({ config }) => !there.has(config.name));
  if (missing !== undefined) {
    const advice = `see that auth and policy of the home run there, and try again. Nothing was changed`;
    throw new ScriptError(`${missing.config.name} has no mirror in region ${region} yet: ${advice}`);
  }
  const short = open.find((each) => {
    const mirror = there.get(each.config.name);
    return mirror?.mirror !== undefined && lacksEntries(each, mirror);
  });
  if (short !== undefined) {
    throw new ScriptError(
      `the mirror of ${short.config.name} in region ${region} lacks entries that its original has: see that auth and policy of the home run there, which make it anew within a minute. Nothing was changed`,
    );
  }
}

function isOpen(stream: HomeStream): boolean {
  return standingOf(stream).kind === "open";
}

/** A person's word is enough where nothing speaks against it. */
function requireStopped({ region, fault, runs }: SilentRegion, { to, lost }: PromoteOptions): void {
  if (lost !== region) {
    throw new ScriptError(
      `${fault}. If its servers are stopped for good: sluice region promote ${to} --lost ${region}`,
    );
  }
  if (runs) {
    throw new ScriptError(
      `${fault}. A server answers there, so nobody may take region ${lost} for lost: stop its servers, or see that SLUICE_REGIONS leads to them as the operator of the home`,
    );
  }
}

async function promoteWithout(target: AnsweringRegion, lost: string, options: PromoteOptions): Promise<Promotion> {
  const { silentMs = SILENT_MS } = options;
  const active = activeMs(target.streams);
  if (active !== undefined && active < silentMs) {
    throw new ScriptError(
      `region ${lost} lives: its mirrors here heard it ${Math.round(active)} ms ago. Promote without --lost, or stop its servers first`,
    );
  }
  await options.closeLink();
  await waitUntilUnlinked(target.bus);
  await options.tell({ step: "link_closed", region: target.region });
  const streams = await target.bus.streams();
  const term = termOf(
    streams,
    Math.max(
      1,
      ...streams.map((each) => standingOf(each)).flatMap((each) => (each.kind === "mirror" ? [each.term] : [])),
    ),
  );
  const promoted = await promoteStreams(target.bus, streams, term, { ...options, from: lost });
  return { to: target.region, from: lost, term, promoted, isLossless: false };
}

/** How long ago, in milliseconds, a mirror heard of its original; undefined where none has, and where none is left. */
function activeMs(streams: readonly HomeStream[]): number | undefined {
  const heard = streams.flatMap(({ mirror }) =>
    mirror === undefined || mirror.active < 0 ? [] : [mirror.active / 1e6],
  );
  return heard.length === 0 ? undefined : Math.min(...heard);
}

/** One more than the old original's; that of the streams which a promotion that broke off has promoted. */
function termOf(streams: readonly HomeStream[], before: number): number {
  const begun = streams.map((each) => standingOf(each)).filter(({ kind, term }) => kind === "open" && term > before);
  return Math.max(before + 1, ...begun.map(({ term }) => term));
}

interface Promoting extends PromoteOptions {
  readonly from: string;
  readonly originals?: ReadonlyMap<string, HomeStream>;
}

/** The stream that tells the seat comes last: auth and policy start to work when everything is theirs. */
async function promoteStreams(
  bus: RegionBus,
  streams: readonly HomeStream[],
  term: number,
  { originals, from, to, by, lost, tell }: Promoting,
): Promise<string[]> {
  const promoted: string[] = [];
  const mirrors = streams.filter((each) => standingOf(each).kind === "mirror");
  const promote = async (stream: HomeStream): Promise<void> => {
    const { name } = stream.config;
    if (name === SEAT_STREAM && streams.some(({ config }) => config.name === AUDIT_STREAM)) {
      await noteHomeChange(bus, { event: "region_promoted", region: to, from, term, lossless: lost === undefined, by });
    }
    const original = originals?.get(name);
    const holes = await readHoles(bus, stream, lost);
    await bus.update(promotedConfig(stream, { term, lost, original, holes }));
    promoted.push(name);
    await tell({ step: "promoted", region: to, stream: name });
  };
  await inGroups(
    mirrors.filter((each) => !isLast(each)),
    promote,
  );
  await inGroups(mirrors.filter(isLast), promote);
  return promoted;
}

function isLast({ config }: HomeStream): boolean {
  return config.name === SEAT_STREAM;
}
