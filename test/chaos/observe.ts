import type { Entry } from "#test/support/checker/ledger.ts";

/** What users and producers saw from the beginning of a fault until everybody was served again. */
export interface Sight {
  /** The longest time in which a client that stays got no event. */
  readonly longestSilenceMs: number;
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
  const received = entries.filter((entry) => entry.of === "received").filter(({ client }) => !client.includes("leaving"));
  const told = (event: string): number => received.filter((entry) => entry.event === event).length;
  return {
    longestSilenceMs: Math.max(0, ...silences(entries, from, to).values()),
    reconnects: entries.filter((entry) => entry.of === "opened" && !COMES_AND_GOES.test(entry.client)).length,
    refused: entries.filter((entry) => entry.of === "refused" && !entry.client.includes("leaving")).length,
    degraded: told("degraded"),
    authErrors: told("auth_error"),
    gaps: told("gap"),
    resets: told("reset"),
    unpublished: entries.filter(({ of }) => of === "unacknowledged").length,
    longestPublishMs: longestPublish(entries),
  };
}

/** The longest silence of each client that stays, by its name. */
function silences(entries: readonly Entry[], from: number, to: number): Map<string, number> {
  const last = new Map<string, number>();
  const longest = new Map<string, number>();
  const note = (client: string, at: number): void => {
    longest.set(client, Math.max(longest.get(client) ?? 0, at - (last.get(client) ?? from)));
    last.set(client, at);
  };
  for (const entry of entries) {
    if (entry.of === "opened" && !entry.client.includes("leaving") && !last.has(entry.client)) last.set(entry.client, from);
    if (entry.of === "received" && entry.event === "message" && !entry.client.includes("leaving")) {
      note(entry.client, entry.at);
    }
  }
  for (const client of last.keys()) note(client, to);
  return longest;
}

function longestPublish(entries: readonly Entry[]): number {
  const since = new Map<string, number>();
  let longest = 0;
  for (const entry of entries) {
    if (entry.of === "published") since.set(entry.text, entry.at);
    if (entry.of === "acknowledged") longest = Math.max(longest, entry.at - (since.get(entry.text) ?? entry.at));
  }
  return longest;
}
