import { setTimeout as delay } from "node:timers/promises";
import { revokeAll } from "../access/apply-control.ts";
import type { Admission } from "../admission/admission.ts";
import { bye } from "./end-stream.ts";
import type { Hub } from "./hub.ts";

/** How often to end the streams whose moment has come, and to look whether everybody has left. */
const LOOK_MS = 20;

/** The share of a drain in which streams end; the rest is for the last clients to take their end. */
const ENDING_SHARE = 0.8;

/** Streams end no more slowly than this: a few of them need not make a process wait. */
const MS_PER_STREAM = 5;

/**
 * Ends every stream in good order: each at a random moment of its own within `drainMs`, so that their clients do not arrive
 * elsewhere all at once. Each is sent its position and when to come back, and gets its events until then. A handshake under
 * way is refused in its last step. Waits until the sockets are gone and the handshakes over, for `drainMs` at most.
 */
export async function drain(
  admission: Admission,
  hub: Pick<Hub, "streams">,
  drainMs: number,
  random = Math.random,
): Promise<void> {
  admission.drain();
  const begin = performance.now();
  const open = [...hub.streams()].map(({ reader }) => reader);
  const moments = endingMoments(open.length, drainMs, random);
  for (let ended = 0; ;) {
    const passedMs = performance.now() - begin;
    for (; ended < open.length && (moments[ended] ?? 0) <= passedMs; ended += 1) {
      const reader = open[ended];
      reader?.end(bye("drain", reader.retryMs));
    }
    if (admission.open === 0 || passedMs >= drainMs) return;
    await delay(LOOK_MS);
  }
}

/** When each of so many streams ends, in milliseconds from the beginning of a drain, in order. */
export function endingMoments(streams: number, drainMs: number, random: () => number): number[] {
  const lastMs = Math.min(drainMs * ENDING_SHARE, streams * MS_PER_STREAM);
  return Array.from({ length: streams }, () => random() * lastMs).toSorted((one, other) => one - other);
}

/** Ends the streams of durable subscriptions: where their records are written now, their clients find out by coming again. */
export function endDurableStreams(hub: Pick<Hub, "streams">): void {
  for (const { reader } of hub.streams()) {
    if (reader.durable !== undefined) reader.end(bye("changed", reader.retryMs));
  }
}

/** Ends the streams whose token this key signed. A handshake under way meets the withdrawn key in its last step. */
export function endStreamsOfKey(hub: Hub, kid: string): void {
  const signed = [...hub.streams()].map(({ tenant, reader }) => ({ tenant, registration: reader.registration }));
  revokeAll(signed.filter(({ registration }) => registration.identity.kid === kid));
}
