import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import { SEAT_STREAM } from "#shared/contract/home.ts";
import type { LimitedLog } from "#shared/log/limit-lines.ts";
import { holdingOf, undefinedIfMissing } from "../home/read-holding.ts";
import { compareMirror, type MirrorStep, type RemakeReason } from "./compare-mirror.ts";
import type { LackWatch } from "./lack-watch.ts";
import type { MirrorCalls } from "./mirror-calls.ts";
import type { MirrorPlace } from "./mirror-config.ts";
import type { MirrorMetrics } from "./mirror-metrics.ts";
import { pairStreams, type StreamPair } from "./pair-streams.ts";
import type { PurgeFollower } from "./purge-follower.ts";
import type { SilenceWatch } from "./silence-watch.ts";

/** Streams that are seen to together: each takes some round trips over the link. */
const AT_ONCE = 16;

/** A feeding consumer speaks every second. A mirror that has heard nothing for so long, while its origin answers, may have none. */
const UNFED_MS = 15_000;

/** What keeping mirrors takes. */
export interface MirrorKeeping {
  readonly place: MirrorPlace;
  readonly here: JetStreamManager;
  readonly there: JetStreamManager;
  readonly calls: MirrorCalls;
  /** The streams of a region whose mirrors are kept, sorted by name. */
  readonly streams: (manager: JetStreamManager) => AsyncIterableIterator<StreamInfo>;
  readonly purges: PurgeFollower;
  readonly silences: SilenceWatch;
  readonly lacks: LackWatch;
  readonly metrics: MirrorMetrics;
  readonly log: LimitedLog;
}

/**
 * Brings the mirrors of this region to what the origin has: makes those that are missing, gives each the settings of its original,
 * makes anew what copies another original or lacks entries, and removes those whose originals the origin says are gone. It can be repeated, and two
 * processes may do it at once. What fails is logged, and left to the next time.
 * @throws what NATS throws when one of the regions does not answer at all.
 */
export async function keepMirrors(keeping: MirrorKeeping, stop: AbortSignal): Promise<void> {
  const { here, there, streams, metrics, silences } = keeping;
  const round = metrics.beginRound();
  const origin = await lookAtOrigin(keeping).catch(async (error: unknown) => {
    for await (const mirror of streams(here)) round.count({ mirror, silentMs: silences.look(mirror) });
    round.end({ originals: false });
    throw error;
  });
  const running = new Set<Promise<void>>();
  for await (const each of pairStreams(streams(here), streams(there))) {
    if (stop.aborted) break;
    const pair = { ...each, silentMs: each.mirror === undefined ? 0 : silences.look(each.mirror) };
    round.count(pair);
    if (origin === "none") continue;
    const see = origin === "fenced" && pair.mirror !== undefined ? followPurges : seeTo;
    const seen = see(pair, keeping).finally(() => running.delete(seen));
    running.add(seen);
    if (running.size >= AT_ONCE) await Promise.race(running);
  }
  await Promise.all(running);
  round.end({ originals: true });
}

/**
 * Whether the other region holds the originals of what is mirrored here. One that is fenced hands over: nothing changes any more, but
 * what has no mirror yet gets one, and what was purged before goes, or nobody could take over. One that has lost its home, or has made it
 * anew, must not take the copies with it: people decide.
 */
async function lookAtOrigin({ here, there, place, metrics, log }: MirrorKeeping): Promise<"open" | "fenced" | "none"> {
  const mirror = await here.streams.info(SEAT_STREAM).catch(undefinedIfMissing);
  const original = await there.streams.info(SEAT_STREAM).catch(undefinedIfMissing);
  const holds = original === undefined ? "nothing" : holdingOf(original).holds;
  const isOrigin = original !== undefined && (holds === "originals" || holds === "fenced");
  const isAnother = isOrigin && compareMirror(original, mirror, place).do === "remake";
  const isLost = mirror !== undefined && original === undefined;
  metrics.originDiffers(isAnother || isLost);
  if (isAnother || isLost) {
    const advice = "the home's region has lost what is mirrored here: nothing is changed; see docs/operate/regions.md";
    log.write("error", "origin", { origin: place.origin }, advice);
  }
  if (!isOrigin || isAnother) return "none";
  return holds === "originals" ? "open" : "fenced";
}

/** A pair, and for how long its mirror has heard nothing. */
type SeenPair = StreamPair & { readonly silentMs: number };

function seeTo({ name, original, mirror, silentMs }: SeenPair, keeping: MirrorKeeping): Promise<void> {
  return tried(name, keeping, async () => {
    if (original === undefined) return await removeMirror(name, keeping);
    const step = compareMirror(original, mirror, keeping.place);
    await take(step, original, mirror, keeping);
    if (mirror === undefined || step.do === "remake") return;
    if (silentMs > UNFED_MS) {
      await keeping.calls.feed(name);
      if (mirror.state.messages === 0) await keeping.calls.rewind(original);
    }
    if (await keeping.lacks.lacks(original, mirror)) return await remakeMirror(name, keeping, () => "lacks_entries");
    await keeping.purges.follow(original, mirror);
  });
}

/** A mirror that holds what its original has no more would not be the same, and nothing is taken until one is promoted. */
function followPurges({ name, original, mirror }: StreamPair, keeping: MirrorKeeping): Promise<void> {
  return tried(name, keeping, async () => {
    if (original !== undefined && mirror?.config.mirror !== undefined) await keeping.purges.follow(original, mirror);
  });
}

async function tried(stream: string, { metrics, log }: MirrorKeeping, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    metrics.failures.inc();
    log.write("warn", "mirror", { stream, err: error }, "a mirror cannot be kept right now");
  }
}

async function take(
  step: MirrorStep,
  original: StreamInfo,
  mirror: StreamInfo | undefined,
  keeping: MirrorKeeping,
): Promise<void> {
  const { calls, log } = keeping;
  const stream = original.config.name;
  if (step.do === "make") {
    await calls.make(original);
    log.write("info", "made", { stream }, "a mirror was made");
  } else if (step.do === "remake") {
    await remakeMirror(stream, keeping, (...pair) => {
      const now = compareMirror(...pair, keeping.place);
      return now.do === "remake" ? now.reason : undefined;
    });
  } else if (mirror !== undefined && step.do === "update") await calls.update(original, mirror);
}

/** Looks again before it deletes anything: the mirror may have been promoted, or made anew by another process. */
async function remakeMirror(
  stream: string,
  keeping: MirrorKeeping,
  reasonFor: (original: StreamInfo, mirror: StreamInfo) => RemakeReason | undefined,
): Promise<void> {
  const { here, there, calls, metrics, log } = keeping;
  const mirror = await here.streams.info(stream);
  const original = await there.streams.info(stream);
  const reason = mirror.config.mirror === undefined ? undefined : reasonFor(original, mirror);
  if (reason === undefined || (await lookAtOrigin(keeping)) !== "open") return;
  log.write("warn", "remade", { stream, reason }, "a mirror is not what its original is: it is made anew");
  await calls.remove(stream);
  await calls.make(original);
  metrics.remade.inc({ reason });
}

async function removeMirror(stream: string, keeping: MirrorKeeping): Promise<void> {
  const { here, there, calls, log } = keeping;
  if ((await lookAtOrigin(keeping)) !== "open") return;
  const original = await there.streams.info(stream).catch(undefinedIfMissing);
  const mirror = await here.streams.info(stream).catch(undefinedIfMissing);
  if (original !== undefined || mirror?.config.mirror === undefined) return;
  await calls.remove(stream);
  log.write("info", "removed", { stream }, "a mirror was removed: its original is gone");
}
