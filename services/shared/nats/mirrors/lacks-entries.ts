import type { StreamInfo } from "@nats-io/jetstream";
import { CONNECTIONS_STREAM } from "#shared/contract/connection-log.ts";

/** What grows too old goes on both sides at slightly different times. */
const AGING_MS = 60_000;

/** A stream, as far as the entries of two are compared; `max_age` in nanoseconds, `ts` is when this was said. */
export interface ComparedStream {
  readonly config: Pick<StreamInfo["config"], "name" | "max_age">;
  readonly state: Pick<StreamInfo["state"], "messages" | "first_seq" | "first_ts" | "last_seq"> & {
    readonly deleted?: readonly number[];
  };
  readonly ts?: string | undefined;
}

/**
 * Whether a mirror, which was read before its original, lacks entries that the original has up to the mirror's end. Counts prove it, and lists
 * of what is missing, where both have them. Counts alone say nothing while the mirror has others that its original has not any more. Of the
 * connection log nothing is said: it loses its oldest entries of one person before those of another.
 */
export function lacksEntries(original: ComparedStream, mirror: ComparedStream): boolean {
  if (original.config.name === CONNECTIONS_STREAM) return false;
  if (lacksBeginning(original, mirror)) return true;
  const [kept, copied] = [original.state, mirror.state];
  const behind = kept.last_seq - copied.last_seq;
  const before = Math.max(0, copied.first_seq - kept.first_seq);
  return kept.messages - behind - before > copied.messages || lacksListed(kept, copied);
}

function lacksListed(kept: ComparedStream["state"], copied: ComparedStream["state"]): boolean {
  if (kept.messages === 0 || copied.deleted === undefined) return false;
  const gone = new Set(kept.deleted ?? []);
  return copied.deleted.some((seq) => seq >= kept.first_seq && seq <= kept.last_seq && !gone.has(seq));
}

/** Whether it lacks the first entries that the original still has and that are not about to go for their age. */
function lacksBeginning(original: ComparedStream, mirror: ComparedStream): boolean {
  const { first_seq, first_ts, messages } = original.state;
  if (messages === 0 || mirror.state.first_seq <= first_seq) return false;
  const maxAgeMs = original.config.max_age / 1e6;
  return maxAgeMs === 0 || Date.parse(first_ts) > Date.parse(original.ts ?? "") - maxAgeMs + AGING_MS;
}
