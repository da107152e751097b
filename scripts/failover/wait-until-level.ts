import { setTimeout as delay } from "node:timers/promises";
import { silenceOf } from "#shared/nats/watch-seat.ts";
import { ScriptError } from "../shared/run-script.ts";
import { hasAllThatIsThere, holdsMore, type Origin } from "./has-all.ts";
import { type HomeStream, standingOf } from "./home-stream.ts";
import type { RegionBus } from "./region-bus.ts";
import type { Tell } from "./tell.ts";

const LOOK_MS = 100;

/** How long something is waited for, and the region that the mirrors here mirror. */
interface Waiting {
  readonly levelMs: number;
  readonly origin: Origin;
}

/**
 * Waits until the mirror of each original has what the original had when it was asked, no more, and hears it: of a thousand mirrors one
 * may begin again just now. `silentMs` is what a mirror that hears its original is silent at the longest.
 * @throws {ScriptError} naming one that does not, as where two replicas of a mirror take nothing any more.
 */
export async function waitUntilReached(
  originals: readonly HomeStream[],
  bus: Pick<RegionBus, "region" | "streams">,
  { levelMs, origin, silentMs }: Waiting & { readonly silentMs: number },
): Promise<void> {
  const giveUp = performance.now() + levelMs;
  for (;;) {
    const streams = await bus.streams();
    const mirrors = new Map(streams.map((each) => [each.config.name, each]));
    const late: string[] = [];
    for (const each of originals) {
      const lateness = await latenessOf(each, mirrors.get(each.config.name), silentMs, origin);
      if (lateness !== undefined) late.push(lateness);
    }
    for (const { config } of mirrorsBeside(originals, streams)) {
      // The original may be a new one.
      if ((await origin.stream(config.name)) === undefined) late.push(`the mirror ${config.name} ${DELETED}`);
    }
    if (late[0] === undefined) return;
    if (performance.now() > giveUp) {
      const others = late.length === 1 ? "" : ` (and ${late.length - 1} more)`;
      throw new ScriptError(`in region ${bus.region}, ${late[0]}${others}. Nothing was changed`);
    }
    await delay(LOOK_MS);
  }
}

const DELETED = "mirrors what is deleted: see that auth and policy of the home run there, which remove it";

/** What keeps a mirror from taking over from its original; undefined where nothing does. */
async function latenessOf(
  original: HomeStream,
  mirror: HomeStream | undefined,
  silentMs: number,
  origin: Origin,
): Promise<string | undefined> {
  const { name } = original.config;
  const at = mirror?.state.last_seq ?? 0;
  if (mirror?.mirror !== undefined && silenceOf(mirror.mirror.active) > silentMs) {
    return `the mirror ${name} does not hear its original: see that the link is open`;
  }
  if (mirror?.mirror !== undefined && holdsMore(original, mirror)) {
    return `the mirror ${name} holds what its original has no more: see that auth and policy of the home run there, which take it away within half a minute`;
  }
  if (at >= original.state.last_seq) return undefined;
  if (mirror !== undefined && (await hasAllThatIsThere(original, mirror, origin))) return undefined;
  return `the mirror ${name} is at ${at} of ${original.state.last_seq} and gets no further: see sluice region status there`;
}

/** Mirrors of other streams than these. */
function mirrorsBeside(originals: readonly HomeStream[], streams: readonly HomeStream[]): HomeStream[] {
  const names = new Set(originals.map(({ config }) => config.name));
  return streams.filter((each) => standingOf(each).kind === "mirror" && !names.has(each.config.name));
}

/**
 * Waits until each fenced original has a mirror that is the same, and answers the streams of the mirrors' region. A mirror is the same
 * that has the original's last entry, with its sequence and its time (in nanoseconds), and holds no entry more.
 * @throws {ScriptError} naming those that are not.
 */
export async function waitUntilLevel(
  originals: readonly HomeStream[],
  bus: Pick<RegionBus, "region" | "streams">,
  { levelMs, origin, tell }: Waiting & { readonly tell: Tell },
): Promise<HomeStream[]> {
  const giveUp = performance.now() + levelMs;
  for (;;) {
    const streams = await bus.streams();
    const mirrors = new Map(streams.map((each) => [each.config.name, each]));
    const behind: HomeStream[] = [];
    for (const each of originals) {
      if (!(await isLevel(each, mirrors.get(each.config.name), origin))) behind.push(each);
    }
    // The original is deleted, and who keeps the mirrors has not seen it yet.
    const left = mirrorsBeside(originals, streams);
    if (behind.length === 0 && left.length === 0) {
      await tell({ step: "level", region: bus.region });
      return streams;
    }
    if (performance.now() > giveUp) throw new ScriptError(faultOf(behind, left, mirrors, bus.region));
    await delay(LOOK_MS);
  }
}

async function isLevel(original: HomeStream, mirror: HomeStream | undefined, origin: Origin): Promise<boolean> {
  if (mirror === undefined) return false;
  // A promotion that broke off has promoted it; nothing could be stored here before it was level.
  if (standingOf(mirror).kind === "open") return true;
  const { state } = original;
  const { messages, last_seq, last_ts } = mirror.state;
  if (last_seq > state.last_seq || holdsMore(original, mirror)) return false;
  if (last_seq < state.last_seq) return await hasAllThatIsThere(original, mirror, origin);
  return last_ts === state.last_ts || messages === 0 || state.messages === 0;
}

function faultOf(
  behind: readonly HomeStream[],
  left: readonly HomeStream[],
  mirrors: ReadonlyMap<string, HomeStream>,
  region: string,
): string {
  const [first] = behind;
  const goesOn = "The home is fenced and takes nothing; promote again goes on from here";
  if (first === undefined) {
    return `the original of ${left[0]?.config.name} is deleted, and its mirror is still in region ${region}: delete that, too. ${goesOn}`;
  }
  const { name } = first.config;
  const mirror = mirrors.get(name);
  const others = behind.length === 1 ? "" : `, and ${behind.length - 1} more`;
  return `${name} ${differenceOf(first, mirror, region)}${others}. ${goesOn}`;
}

function differenceOf(original: HomeStream, mirror: HomeStream | undefined, region: string): string {
  const run = "see that auth and policy of the home run there";
  if (mirror === undefined) return `has no mirror in region ${region}: ${run}`;
  if (holdsMore(original, mirror)) {
    return `holds in region ${region} what its original has no more: ${run}, which take it away within half a minute`;
  }
  return `is at ${mirror.state.last_seq} of ${original.state.last_seq} in region ${region}: see that the link is open`;
}
