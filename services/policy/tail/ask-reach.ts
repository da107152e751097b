import type { Reach } from "#shared/contract/edge-questions.ts";
import type { Edges } from "../edges/edges.ts";
import type { EventReach, UnreachedReason } from "#shared/contract/tail-frame.ts";

/** A worker that had nobody of the tenant remembers nothing of an event; of one so young no worker has forgotten it. */
const REMEMBERED_MS = 10_000;

/** An event whose reach is asked for. */
export interface AskedEvent {
  readonly id: string;
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly storedAt: number;
}

interface AskedLog {
  readonly tenant: string;
  readonly epoch: string;
}

/** Asks the edges whom these events reached; throws what `Edges` throws. `now` is in milliseconds since 1970. */
export async function askReach(
  edges: Edges,
  { tenant, epoch }: AskedLog,
  events: readonly AskedEvent[],
  now: number,
): Promise<EventReach[]> {
  const seqs = events.map(({ seq }) => seq);
  const { answers, partial } = await edges.ask({ ask: "reach", tenant, epoch, seqs });
  const known = new Map<number, Reach[]>();
  for (const each of answers.flatMap(({ reach }) => reach)) {
    const ofEvent = known.get(each.seq);
    if (ofEvent === undefined) known.set(each.seq, [each]);
    else ofEvent.push(each);
  }
  return events.map(({ id, seq, storedAt }) => {
    const reaches = known.get(seq);
    const isForgotten = reaches === undefined && now - storedAt > REMEMBERED_MS;
    return { id, ...sumOf(reaches ?? []), ...(isForgotten ? { reason: null, partial: true } : { partial }) };
  });
}

function sumOf(reaches: readonly Reach[]) {
  const sum = (count: (reach: Reach) => number): number => reaches.reduce((total, each) => total + count(each), 0);
  const counts = {
    reached: sum(({ reached }) => reached),
    connected: sum(({ connected }) => connected),
    denied: sum(({ denied }) => denied),
    behind: sum(({ behind }) => behind),
  };
  return {
    ...counts,
    reason: reasonOf(
      counts,
      reaches.some(({ isWithoutRule }) => isWithoutRule),
    ),
  };
}

function reasonOf(
  counts: Omit<EventReach, "id" | "reason" | "partial">,
  isWithoutRule: boolean,
): UnreachedReason | null {
  if (counts.reached > 0) return null;
  if (isWithoutRule) return "no_rule";
  if (counts.connected === 0) return "nobody_connected";
  if (counts.behind > 0) return "behind";
  return counts.denied > 0 ? "denied" : "no_topic";
}
