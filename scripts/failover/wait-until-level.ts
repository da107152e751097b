import { setTimeout as delay } from "node:timers/promises";
import { ScriptError } from "../shared/run-script.ts";
import { type HomeStream, standingOf } from "./home-stream.ts";
import type { RegionBus } from "./region-bus.ts";
import type { Tell } from "./tell.ts";

const LOOK_MS = 100;

/**
 * Waits until the mirror of each original has what the original had when it was asked.
 * @throws {ScriptError} naming one that has not, as where two replicas of a mirror take nothing any more.
 */
export async function waitUntilReached(
  originals: readonly HomeStream[],
  bus: Pick<RegionBus, "region" | "streams">,
  { levelMs }: { readonly levelMs: number },
): Promise<void> {
  const giveUp = performance.now() + levelMs;
  for (;;) {
    const mirrors = new Map((await bus.streams()).map((each) => [each.config.name, each.state.last_seq]));
    const behind = originals.find(({ config, state }) => (mirrors.get(config.name) ?? 0) < state.last_seq);
    if (behind === undefined) return;
    const { config, state } = behind;
    if (performance.now() > giveUp) {
      const place = `${config.name} is at ${mirrors.get(config.name) ?? 0} of ${state.last_seq} in region ${bus.region}`;
      throw new ScriptError(`${place}, and gets no further: see sluice region status there. Nothing was changed`);
    }
    await delay(LOOK_MS);
  }
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
