import { CONNECTIONS_STREAM } from "#shared/contract/connection-log.ts";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { SECRET_STREAMS } from "./export-tail.ts";
import type { HomeStream } from "./home-stream.ts";
import type { RegionBus } from "./region-bus.ts";

/** What the region of the originals is asked. */
export type Origin = Pick<RegionBus, "stream" | "entryFrom">;

/**
 * Whether a mirror that stands before the last sequence of its original has everything that is there all the same: the last entries were
 * deleted, and none has been stored since. Its leader is asked, so this is so as long as nothing is stored. A tenant's log never passes: the
 * sequences behind would be given again, and stand in ids of clients.
 */
export async function hasAllThatIsThere(
  { config: { name } }: HomeStream,
  { state: { last_seq, last_ts, messages } }: HomeStream,
  origin: Origin,
): Promise<boolean> {
  if (name.startsWith(logStreamName("")) || SECRET_STREAMS.has(name)) return false;
  const last = await origin.entryFrom(name, Math.max(1, last_seq));
  if (last === undefined) return true;
  const isSame = messages === 0 || last.time === last_ts;
  return last.seq === last_seq && isSame && (await origin.entryFrom(name, last_seq + 1)) === undefined;
}

/**
 * Whether a mirror, which was read behind its original, holds entries that the original has no more: they would come back with its
 * promotion. In the connection log they may: it loses its oldest entries of one person before those of another, and forgets all in a day.
 */
export function holdsMore({ config: { name }, state: before }: HomeStream, { state }: HomeStream): boolean {
  const since = Math.max(0, state.last_seq - before.last_seq);
  return name !== CONNECTIONS_STREAM && state.messages - since > before.messages;
}
