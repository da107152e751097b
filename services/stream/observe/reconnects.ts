import { LRUCache } from "lru-cache";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import type { StreamFacts } from "./observer.ts";

const HOUR_MS = 3_600_000;

/** Clients that are remembered, 100 bytes each; one that is forgotten begins at none. */
const MAX_CLIENTS = 10_000;

/** The streams that a client has opened in two spans of an hour. */
interface Opened {
  readonly since: number;
  readonly before: number;
  readonly now: number;
}

/** Which client a stream is of: that of its client id, or its session where it has none. */
type Client = Pick<StreamFacts, "tenant" | "subject" | "clientId" | "sid">;

/**
 * Counts how often clients come back to this worker. The last hour is the present span, and of the one before as much as reaches into
 * it, as if its streams had been opened evenly.
 */
export class Reconnects {
  readonly #opened = new LRUCache<string, Opened>({ max: MAX_CLIENTS });
  readonly #now: () => number;

  /** `now` is the monotonic time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Counts a stream of the client. */
  count(client: Client): void {
    const present = this.#spanOf(client);
    this.#opened.set(keyOf(client), { ...present, now: present.now + 1 });
  }

  /** How often the client has opened a stream in the last hour, beside the first. */
  lastHour(client: Client): number {
    const { since, before, now } = this.#spanOf(client);
    const share = 1 - (this.#now() - since) / HOUR_MS;
    return Math.max(0, now + Math.round(before * share) - 1);
  }

  #spanOf(client: Client): Opened {
    const known = this.#opened.get(keyOf(client)) ?? { since: this.#now(), before: 0, now: 0 };
    const spans = Math.floor((this.#now() - known.since) / HOUR_MS);
    if (spans === 0) return known;
    return { since: known.since + spans * HOUR_MS, before: spans === 1 ? known.now : 0, now: 0 };
  }
}

function keyOf({ tenant, subject, clientId, sid }: Client): string {
  return compositeKey(tenant, subject, clientId ?? "", clientId === undefined ? sid : "");
}
