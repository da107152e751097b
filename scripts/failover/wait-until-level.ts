import { setTimeout as delay } from "node:timers/promises";
import { silenceOf } from "#shared/nats/watch-seat.ts";
import { ScriptError } from "../shared/run-script.ts";
import { type HomeStream, standingOf } from "./home-stream.ts";
import type { RegionBus } from "./region-bus.ts";
import type { Tell } from "./tell.ts";

const LOOK_MS = 100;

/**
 * Waits until the mirror of each original has what the original had when it was asked, and hears it: of a thousand mirrors one may
 * begin again just now. `silentMs` is what a mirror that hears its original is silent at the longest.
 * @throws {ScriptError} naming one that does not, as where two replicas of a mirror take nothing any more.
 */
export async function waitUntilReached(
  originals: readonly HomeStream[],
  bus: Pick<RegionBus, "region" | "streams">,
  { levelMs, silentMs }: { readonly levelMs: number; readonly silentMs: number },
): Promise<void> {
  const giveUp = performance.now() + levelMs;
  for (;;) {
    const streams = await bus.streams();
    const mirrors = new Map(streams.map((each) => [each.config.name, each]));
    const late = originals.flatMap((each) => latenessOf(each, mirrors.get(each.config.name), silentMs) ?? []);
    if (late[0] === undefined) return;
    if (performance.now() > giveUp) {
      const others = late.length === 1 ? "" : ` (and ${late.length - 1} more)`;
      throw new ScriptError(`in region ${bus.region}, ${late[0]}${others}. Nothing was changed`);
    }
    await delay(LOOK_MS);
  }
}

/** What keeps a mirror from taking over from its original; undefined where nothing does. */
function latenessOf(original: HomeStream, mirror: HomeStream | undefined, silentMs: number): string | undefined {
  const { name } = original.config;
  const at = mirror?.state.last_seq ?? 0;
  if (mirror?.mirror !== undefined && silenceOf(mirror.mirror.active) > silentMs) {
    return `the mirror ${name} does not hear its original: see that the link is open`;
  }
  if (at >= original.state.last_seq) return undefined;
  return `the mirror ${name} is at ${at} of ${original.state.last_seq} and gets no further: see sluice region status there`;
}

/**
 * Waits until each fenced original has a mirror that is the same, and answers the streams of the mirrors' region. A mirror is the same
 * whose last entry has the sequence and the time (in nanoseconds) of the original's, and that holds no entry more.
 * @throws {ScriptError} naming those that are not.
 */
export async function waitUntilLevel(
  originals: readonly HomeStream[],
  bus: RegionBus,
  { levelMs, tell }: { readonly levelMs: number; readonly tell: Tell },
): Promise<HomeStream[]> {
  const giveUp = performance.now() + levelMs;
  for (;;) {
    const streams = await bus.streams();
    const mirrors = new Map(streams.map((each) => [each.config.name, each]));
    const behind = originals.filter((each) => !isLevel(each, mirrors.get(each.config.name)));
    const names = new Set(originals.map(({ config }) => config.name));
    // The original is deleted, and who keeps the mirrors has not seen it yet.
    const left = streams.filter((each) => standingOf(each).kind === "mirror" && !names.has(each.config.name));
    if (behind.length === 0 && left.length === 0) {
      await tell({ step: "level", region: bus.region });
      return streams;
    }
    if (performance.now() > giveUp) throw new ScriptError(faultOf(behind, left, mirrors, bus.region));
    await delay(LOOK_MS);
  }
}

function isLevel({ state }: HomeStream, mirror: HomeStream | undefined): boolean {
  if (mirror === undefined) return false;
  // A promotion that broke off has promoted it; nothing could be stored here before it was level.
  if (standingOf(mirror).kind === "open") return true;
  const { messages, last_seq, last_ts } = mirror.state;
  const isSame = last_ts === state.last_ts || messages === 0 || state.messages === 0;
  return last_seq === state.last_seq && isSame && messages <= state.messages;
}

function faultOf(
  behind: readonly HomeStream[],
  left: readonly HomeStream[],
  mirrors: ReadonlyMap<string, HomeStream>,
  region: string,
): string {
  const [first] = behind;
  if (first === undefined) {
    return `${left[0]?.config.name} mirrors what is deleted, and is still in region ${region}: see that auth and policy of the home run there`;
  }
  const { name } = first.config;
  const mirror = mirrors.get(name);
  const said =
    mirror === undefined
      ? `${name} has no mirror in region ${region}: see that auth and policy of the home run there`
      : `${name} is at ${mirror.state.last_seq} of ${first.state.last_seq} in region ${region}: see that the link is open`;
  const others = behind.length === 1 ? "" : `, and ${behind.length - 1} more`;
  return `${said}${others}. The home is fenced and takes nothing; promote again goes on from here`;
}
