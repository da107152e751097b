import type { EventReach, TailEvent, TailFrame } from "#shared/contract/tail-frame.ts";
import { topicMatches } from "#shared/protocol/topics.ts";
import type { StreamFrame } from "../../http/follow-stream.ts";

/** An event in the tail; `reach` is undefined until the edges have said. */
export interface TailRow extends TailEvent {
  readonly reach: EventReach | undefined;
}

/** What the tail shows. */
export interface TailRows {
  /** The newest first, at most `MAX_ROWS`. */
  readonly rows: readonly TailRow[];
  /** How many have come altogether, shown or not. */
  readonly seen: number;
  /** How many policy left out: they came faster than anybody reads. */
  readonly leftOut: number;
  /** Events may be missing: where the stream was away for too long. */
  readonly hasGap: boolean;
}

export const NO_ROWS: TailRows = { rows: [], seen: 0, leftOut: 0, hasGap: false };

/** More rows are not kept: whoever needs an older event asks for it by its id. */
export const MAX_ROWS = 1_000;

/** Adds what has come since the last time, the oldest frame first. */
export function addFrames(before: TailRows, frames: readonly StreamFrame[]): TailRows {
  const fresh: TailRow[] = [];
  const reach = new Map<string, EventReach>();
  const erased: ErasedEntry[] = [];
  let { leftOut, hasGap } = before;
  for (const { event, data } of frames) {
    if (event === "event") fresh.push({ ...(data as TailEvent), reach: undefined });
    else if (event === "reach") reach.set((data as EventReach).id, data as EventReach);
    else if (event === "left_out") leftOut += (data as { readonly count: number }).count;
    else if (event === "erased") erased.push(data as ErasedEntry);
    else if (event === "gap") hasGap = true;
  }
  const rows = [...fresh.toReversed(), ...before.rows]
    .slice(0, MAX_ROWS)
    .filter((row) => !erased.some((entry) => isErased(row, entry)))
    .map((row) => (reach.has(row.id) ? { ...row, reach: reach.get(row.id) } : row));
  return { rows, seen: before.seen + fresh.length, leftOut, hasGap };
}

type ErasedEntry = Extract<TailFrame, { readonly event: "erased" }>["data"];

function isErased({ id, topic }: TailRow, entry: ErasedEntry): boolean {
  const seq = Number(id.split(".")[1]);
  if (seq > entry.through) return false;
  return "ids" in entry ? entry.ids.includes(id) : topicMatches(entry.subject, topic);
}
