import { erasedEntrySchema } from "#shared/contract/control-entry.ts";
import { nanosOf, tagOf } from "#shared/contract/event-tag.ts";
import { erasedControlSubject, logStreamName } from "#shared/contract/tenant-log.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { parseEventId } from "#shared/protocol/event-id.ts";
import { topicMatches } from "#shared/protocol/topics.ts";
import type { RegionBus, StoredEntry } from "./region-bus.ts";

/** Whether somebody had this entry erased. */
export type IsErased = (entry: StoredEntry) => boolean;

type Entries = Pick<RegionBus, "entryFrom">;

/**
 * Reads what was erased of a fenced log: there, where it may not be purged yet, and in the promoted one since. That one counts on its own
 * from `after`: of the events behind it those are erased that were older than the erasure.
 */
export async function readErasures(
  stream: string,
  { here, seat, after }: { readonly here: Entries; readonly seat: Entries; readonly after: number },
): Promise<IsErased> {
  const prefix = logStreamName("");
  if (!stream.startsWith(prefix)) return () => false;
  const tenant = stream.slice(prefix.length);
  const erasures: IsErased[] = [];
  for (const [bus, from] of [
    [here, 1],
    [seat, after + 1],
  ] as const) {
    for (let seq = from; ; seq += 1) {
      const said = await bus.entryFrom(stream, seq, erasedControlSubject(tenant));
      if (said === undefined) break;
      erasures.push(erasureOf(said, tenant, bus === here));
      ({ seq } = said);
    }
  }
  return (entry) => erasures.some((erasure) => erasure(entry));
}

function erasureOf(said: StoredEntry, tenant: string, countsHere: boolean): IsErased {
  const { data } = erasedEntrySchema.safeParse(parseJson(Buffer.from(said.data ?? "", "base64").toString()));
  if (data === undefined) return () => false;
  if ("ids" in data) {
    const tags = new Map(data.ids.map(parseEventId).map((id) => [id?.position.seq, id?.position.tag]));
    return ({ seq, time }) => tags.get(seq) === tagOf(nanosOf(time));
  }
  const prefix = `events.${tenant}.`;
  const isBefore = ({ seq, time }: StoredEntry): boolean =>
    countsHere ? seq <= data.through : nanosOf(time) < nanosOf(said.time);
  return (entry) => {
    const { subject } = entry;
    return subject.startsWith(prefix) && topicMatches(data.subject, subject.slice(prefix.length)) && isBefore(entry);
  };
}
