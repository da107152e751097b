import { CLIENT_HEALTH_ROWS, type ClientHealthRow, FIRST_EVENT_MS } from "#shared/contract/edge-questions.ts";
import type { ClientReport } from "./client-reports.ts";

/** What is told is of the present window and the one before it. */
const WINDOW_MS = 30 * 60_000;

/** So many rows of a window have their regions; the roads, kinds and networks alone make 80. Two windows fit an answer. */
const MAX_WITH_REGION = CLIENT_HEALTH_ROWS / 2 - 80;

type Counted = { -readonly [Name in keyof ClientHealthRow]: ClientHealthRow[Name] };

interface Window {
  readonly since: number;
  readonly rows: Map<string, Counted>;
}

/** What clients have reported in the last half hour to an hour, by road, kind of program, region and network. Bounded. */
export class ClientHealth {
  readonly #now: () => number;
  #window: Window;
  #before: Window | undefined;

  /** `now` gives the monotonic time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#window = { since: now(), rows: new Map() };
  }

  /** Counts a report. Of a region too many the name is left out. */
  note(report: ClientReport): void {
    this.#turn();
    const row = this.#rowOf(report);
    row.reports += 1;
    row.reconnects += report.reconnects;
    row.stalls += report.stalls;
    const { fallback, firstEventMs } = report;
    if (fallback !== undefined) row.fallbacks[fallback.reason] = (row.fallbacks[fallback.reason] ?? 0) + 1;
    if (firstEventMs === undefined) return;
    const bucket = FIRST_EVENT_MS.findIndex((most) => firstEventMs <= most);
    const place = bucket === -1 ? FIRST_EVENT_MS.length : bucket;
    row.firstEvents[place] = (row.firstEvents[place] ?? 0) + 1;
  }

  /** What is counted, and for how long it has been. */
  read(): { readonly seconds: number; readonly rows: readonly ClientHealthRow[] } {
    this.#turn();
    const { since } = this.#before ?? this.#window;
    const rows = [...(this.#before?.rows.values() ?? []), ...this.#window.rows.values()];
    return { seconds: Math.round((this.#now() - since) / 1_000), rows };
  }

  #turn(): void {
    const now = this.#now();
    if (now - this.#window.since < WINDOW_MS) return;
    this.#before = now - this.#window.since < 2 * WINDOW_MS ? this.#window : undefined;
    this.#window = { since: now, rows: new Map() };
  }

  #rowOf({ transport, family, region: asked = "", ...seen }: ClientReport): Counted {
    const { rows } = this.#window;
    const network = seen.network ?? "unknown";
    const keyOf = (region: string): string => `${transport} ${family} ${network} ${region}`;
    // Strangers make regions up.
    const region = rows.has(keyOf(asked)) || rows.size < MAX_WITH_REGION ? asked : "other";
    const row = rows.get(keyOf(region)) ?? emptyRow({ transport, family, network, region });
    rows.set(keyOf(region), row);
    return row;
  }
}

function emptyRow(kind: Readonly<Record<"transport" | "family" | "network" | "region", string>>): Counted {
  const firstEvents = Array.from({ length: FIRST_EVENT_MS.length + 1 }, () => 0);
  return { ...kind, reports: 0, reconnects: 0, stalls: 0, firstEvents, fallbacks: {} };
}
