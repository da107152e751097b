import { type ClientHealthRow, FIRST_EVENT_MS } from "#shared/contract/edge-questions.ts";
import type { ClientHealthView } from "#shared/contract/client-health-view.ts";
import type { Edges } from "./edges.ts";

/** What clients have reported to all workers, those with most reports first; throws what `Edges` throws. */
export async function sumClients(edges: Edges): Promise<ClientHealthView> {
  const { answers, partial } = await edges.ask({ ask: "clients" });
  const rows = new Map<string, ClientHealthRow>();
  for (const row of answers.flatMap(({ clients }) => clients.rows)) {
    const key = `${row.transport} ${row.family} ${row.network} ${row.region}`;
    const known = rows.get(key);
    rows.set(key, known === undefined ? row : sumOf(known, row));
  }
  const sorted = [...rows.values()].toSorted((one, other) => other.reports - one.reports);
  const seconds = Math.max(0, ...answers.map(({ clients }) => clients.seconds));
  return {
    seconds,
    rows: sorted.map(({ firstEvents, ...row }) => ({
      ...row,
      firstEventP50Ms: quantileOf(firstEvents, 0.5),
      firstEventP95Ms: quantileOf(firstEvents, 0.95),
    })),
    partial,
  };
}

function sumOf(one: ClientHealthRow, other: ClientHealthRow): ClientHealthRow {
  const reasons = new Set([...Object.keys(one.fallbacks), ...Object.keys(other.fallbacks)]);
  return {
    ...one,
    reports: one.reports + other.reports,
    reconnects: one.reconnects + other.reconnects,
    stalls: one.stalls + other.stalls,
    firstEvents: one.firstEvents.map((count, place) => count + (other.firstEvents[place] ?? 0)),
    fallbacks: Object.fromEntries(
      Array.from(reasons, (reason) => [reason, (one.fallbacks[reason] ?? 0) + (other.fallbacks[reason] ?? 0)]),
    ),
  };
}

/** The time that this share of the first events took at most: the end of the span in which the last of them lies. Null where there are none. */
function quantileOf(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let seen = 0;
  const place = counts.findIndex((count) => (seen += count) >= total * share);
  return FIRST_EVENT_MS[place] ?? FIRST_EVENT_MS[FIRST_EVENT_MS.length - 1] ?? null;
}
