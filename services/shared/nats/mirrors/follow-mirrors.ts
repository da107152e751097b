import type { StreamInfo, JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { poll } from "#shared/async/poll.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { keepMirrors, type MirrorKeeping } from "./keep-mirrors.ts";
import { LackWatch } from "./lack-watch.ts";
import { mirrorCalls } from "./mirror-calls.ts";
import type { MirrorPlace } from "./mirror-config.ts";
import { PurgeFollower } from "./purge-follower.ts";
import { SilenceWatch } from "./silence-watch.ts";
import { jetStreamOf, undefinedIfMissing } from "../home/read-holding.ts";

/** How often the origin is asked what it has. A look over very many streams takes longer, and is waited for. */
const LOOK_EVERY_MS = 2_000;

/** A page of a list may take long: its servers ask each other. */
const LISTS = { timeoutMs: 10_000 };

interface MirrorFollowing extends Pick<MirrorKeeping, "streams" | "metrics"> {
  readonly nats: NatsConnection;
  readonly place: MirrorPlace;
  readonly log: Logger;
}

const now = (): number => performance.now();

/** Keeps mirrors, again and again until it is disposed. */
export async function followMirrors({ nats, place, streams, metrics, log }: MirrorFollowing): Promise<AsyncDisposable> {
  await using starting = new AsyncDisposableStack();
  starting.defer(() => metrics.keeping(false));
  metrics.keeping(true);
  const lines = starting.use(limitLines(log));
  const [here, there] = [await jetStreamOf(nats, undefined, LISTS), await jetStreamOf(nats, place.origin, LISTS)];
  const both = { here, there, now };
  const [purges, lacks] = [new PurgeFollower(both), new LackWatch(both)];
  const calls = mirrorCalls(nats, place);
  const silences = new SilenceWatch(now);
  const keeping = { place, here, there, streams, calls, purges, lacks, silences, metrics, log: lines };
  let fault: string | undefined;
  const look = async (stop: AbortSignal): Promise<void> => {
    try {
      await keepMirrors(keeping, stop);
      if (fault !== undefined) log.info({ origin: place.origin }, "the mirrors are kept again");
      fault = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (message !== fault)
        log.warn({ origin: place.origin, reason: message }, "the mirrors cannot be kept right now");
      fault = message;
    }
  };
  starting.use(poll(LOOK_EVERY_MS, look));
  return starting.move();
}

/** The streams of these names that are there, in the order of the names. */
export async function* namedStreams(
  { streams }: JetStreamManager,
  names: readonly string[],
): AsyncGenerator<StreamInfo> {
  for (const name of names.toSorted()) {
    const info = await streams.info(name).catch(undefinedIfMissing);
    if (info !== undefined) yield info;
  }
}
