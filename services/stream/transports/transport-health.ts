import { LRUCache } from "lru-cache";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import type { Transport } from "#shared/protocol/transports.ts";
import { type BreakerCount, TransportBreaker } from "./transport-breaker.ts";

/** Transports of tenants that are judged at a time, up to 20 KB each; one that is forgotten begins closed. */
const MAX_BREAKERS = 500;

/** Streams that were left early and are remembered for a moment. */
const MAX_LEFT = 10_000;

/** A client that leaves a stream so early, and is back by another transport so soon, has found that it does not work. */
const LEFT_EARLY_MS = 5_000;
const BACK_SOON_MS = 10_000;

/** Whose stream it is, and how it comes. */
export interface TransportUse {
  readonly transport: Transport;
  readonly tenant: string;
  readonly subject: string;
  /** The stable id of the tab or device, or the session where there is none. */
  readonly client: string;
}

/** What is observed of transports. A method returns at once and never throws. */
export interface TransportObserver {
  /** A transport failed for somebody, as the edge saw it or as a client says. */
  transportFailed(transport: Transport, seenBy: "edge" | "client"): void;
  /** A transport of a tenant was taken away, or is there again. */
  transportSwitched(transport: Transport, tenant: string, isAway: boolean, count: BreakerCount): void;
}

/** The clock and the observer of `TransportHealth`. */
export interface TransportHealthDeps {
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  readonly observer: TransportObserver;
}

interface LeftStream {
  readonly transport: Transport;
  readonly at: number;
}

/**
 * Finds out by which transports events do not reach a tenant's clients: from what they report, and from those that leave a stream
 * early and come back another way. What one tenant's clients do counts for that tenant alone, and Server-Sent Events never fail.
 */
export class TransportHealth {
  readonly #deps: TransportHealthDeps;
  readonly #breakers: LRUCache<string, TransportBreaker>;
  readonly #left = new LRUCache<string, LeftStream>({ max: MAX_LEFT });

  constructor(deps: TransportHealthDeps) {
    this.#deps = deps;
    this.#breakers = new LRUCache({ max: MAX_BREAKERS });
  }

  /** Whether a client should be sent here. */
  admits({ transport, tenant, client }: Omit<TransportUse, "subject">): boolean {
    if (transport === "sse") return true;
    return this.#breakers.get(keyOf(tenant, transport))?.admits(client) ?? true;
  }

  /** A stream has begun. */
  opened(use: TransportUse): void {
    const key = compositeKey(use.tenant, use.subject, use.client);
    const left = this.#left.get(key);
    this.#note(use, false);
    if (left === undefined) return;
    this.#left.delete(key);
    if (left.transport === use.transport || this.#deps.now() - left.at > BACK_SOON_MS) return;
    this.failed({ ...use, transport: left.transport }, "edge");
  }

  /** A client has left its stream, after so many milliseconds. */
  left(use: TransportUse, livedMs: number): void {
    if (use.transport === "sse" || livedMs > LEFT_EARLY_MS) return;
    const key = compositeKey(use.tenant, use.subject, use.client);
    this.#left.set(key, { transport: use.transport, at: this.#deps.now() });
  }

  /** A transport has failed for a person. */
  failed(use: Omit<TransportUse, "client">, seenBy: "edge" | "client"): void {
    if (use.transport === "sse") return;
    this.#deps.observer.transportFailed(use.transport, seenBy);
    this.#note(use, true);
  }

  #note({ transport, tenant, subject }: Omit<TransportUse, "client">, hasFailed: boolean): void {
    if (transport === "sse") return;
    const key = keyOf(tenant, transport);
    const breaker =
      this.#breakers.get(key) ??
      new TransportBreaker(this.#deps.now, (isAway, count) =>
        this.#deps.observer.transportSwitched(transport, tenant, isAway, count),
      );
    this.#breakers.set(key, breaker);
    breaker.note(subject, hasFailed);
  }
}

function keyOf(tenant: string, transport: Transport): string {
  return compositeKey(tenant, transport);
}
