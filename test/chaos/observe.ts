import type { Entry } from "#test/support/checker/ledger.ts";

/** What users and producers saw from the beginning of a fault until everybody was served again. */
export interface Sight {
  /** The longest time in which a client whose stream is open, or was cut, got no event. */
  readonly longestSilenceMs: number;
  /** Whose that was. */
  readonly silent: string;
  /** The longest time from a client's first attempt to open a stream until it had one. */
  readonly longestOpeningMs: number;
  /** How often clients that stay had to connect again. */
  readonly reconnects: number;
  /** Attempts to connect that brought no stream. */
  readonly refused: number;
  /** How often clients were told that delivery is held. */
  readonly degraded: number;
  /** Streams that ended with `auth_error`. */
  readonly authErrors: number;
  readonly gaps: number;
  readonly resets: number;
  /** Attempts to publish that were refused or not answered. */
  readonly unpublished: number;
  /** The longest time from the first attempt to publish an event until it was acknowledged. */
  readonly longestPublishMs: number;
}

/** Clients that come and go by themselves, or renew their connection with each token: their connections are no sign of a fault. */
const COMES_AND_GOES = /leaving|hopper|poll/;

/** Reads it from the entries of that time. */
export function observe(entries: readonly Entry[], from: number, to: number): Sight {
  // Whose session is ended on purpose is refused, and silent, for that reason.
  const seen = entries.filter((entry) => !("client" in entry) || !entry.client.includes("leaving"));
  const told = (event: string): number =>
    seen.filter((entry) => entry.of === "received" && entry.event === event).length;
  const [silent, longestSilenceMs] = longest(silences(seen, from, to));
  return {
    longestSilenceMs,
    silent,
    longestOpeningMs: longest(openings(seen, to))[1],
    reconnects: seen.filter((entry) => entry.of === "opened" && !COMES_AND_GOES.test(entry.client)).length,
    refused: seen.filter(({ of }) => of === "refused").length,
    degraded: told("degraded"),
    authErrors: told("auth_error"),
    gaps: told("gap"),
    resets: told("reset"),
    unpublished: seen.filter(({ of }) => of === "unacknowledged").length,
    longestPublishMs: longest(publishings(seen, to))[1],
  };
}

/** What a fault that nobody may notice was told as. */
export function noticedIn({ degraded, resets, reconnects }: Sight): readonly string[] {
  return Object.entries({ degraded, resets, reconnects }).flatMap(([what, count]) =>
    count > 0 ? [`${count} ${what}`] : [],
  );
}

/** What took longest, of times by name. */
function longest(times: ReadonlyMap<string, number>): readonly [string, number] {
  return [...times].reduce((most, each) => (each[1] > most[1] ? each : most), ["", 0] as const);
}

/** The longest silence of each client that stays where it is. */
function silences(entries: readonly Entry[], from: number, to: number): Map<string, number> {
  const last = new Map<string, number>();
  const times = new Map<string, number>();
  const note = (client: string, at: number): void => {
    times.set(client, Math.max(times.get(client) ?? 0, at - (last.get(client) ?? from)));
    last.set(client, at);
  };
  for (const entry of entries) {
    if (entry.of === "opened" && !entry.client.includes("hopper") && !last.has(entry.client))
      last.set(entry.client, from);
    if (entry.of !== "received" || entry.client.includes("hopper")) continue;
    if (entry.event === "message") note(entry.client, entry.at);
  }
  for (const client of last.keys()) note(client, to);
  return times;
}

/** The longest time without a stream of each client that opens one. */
function openings(entries: readonly Entry[], to: number): Map<string, number> {
  const since = new Map<string, number>();
  const times = new Map<string, number>();
  const note = (client: string, at: number): void => {
    times.set(client, Math.max(times.get(client) ?? 0, at - (since.get(client) ?? at)));
  };
  for (const entry of entries) {
    if (entry.of === "opened" && !since.has(entry.client)) since.set(entry.client, entry.at);
    if (entry.of !== "received" || entry.event === "busy") continue;
    note(entry.client, entry.at);
    since.delete(entry.client);
  }
  for (const client of since.keys()) note(client, to);
  return times;
}

/** How long each event took from the first attempt to its acknowledgement. */
function publishings(entries: readonly Entry[], to: number): Map<string, number> {
  const since = new Map<string, number>();
  const times = new Map<string, number>();
  for (const entry of entries) {
    if (entry.of === "published") since.set(entry.text, entry.at);
    if (entry.of !== "acknowledged") continue;
    times.set(entry.text, entry.at - (since.get(entry.text) ?? entry.at));
    since.delete(entry.text);
  }
  for (const [text, at] of since) times.set(text, to - at);
  return times;
}
