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

/** A person of a tenant. */
interface Person {
  readonly tenant: string;
  readonly subject: string;
}

interface PersonsUse extends Person {
  readonly transport: Transport;
}

/** Whose stream it is, and how it comes. */
export interface TransportUse extends PersonsUse {
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

/** What a client says of transports. */
export interface TransportReport {
  readonly transport: Transport;
  readonly fallback?: { readonly from: Transport } | undefined;
}

interface Judged {
  readonly breaker: TransportBreaker;
  readonly onSwitch: (isAway: boolean, count: BreakerCount) => void;
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
  readonly #judged: LRUCache<string, Judged>;
  readonly #left = new LRUCache<string, LeftStream>({ max: MAX_LEFT });

  constructor(deps: TransportHealthDeps) {
    this.#deps = deps;
    this.#judged = new LRUCache({
      max: MAX_BREAKERS,
      dispose: ({ breaker, onSwitch }, _, reason) => {
        if (reason === "evict" && breaker.isOpen) onSwitch(false, { people: 0, failed: 0 });
      },
    });
  }

  /** Whether a client should be sent here. */
  admits({ transport, tenant, client }: Omit<TransportUse, "subject">): boolean {
    if (transport === "sse") return true;
    return this.#judged.get(keyOf(tenant, transport))?.breaker.admits(client) ?? true;
  }

  /** A stream has begun. */
  opened(use: TransportUse): void {
    const key = compositeKey(use.tenant, use.subject, use.client);
    const left = this.#left.get(key);
    this.#note(use, false);
    if (left === undefined) return;
    this.#left.delete(key);
    if (left.transport === use.transport || this.#deps.now() - left.at > BACK_SOON_MS) return;
    this.#fail({ ...use, transport: left.transport }, "edge");
  }

  /** A client has left its stream, after so many milliseconds. */
  left(use: TransportUse, livedMs: number): void {
    if (use.transport === "sse" || livedMs > LEFT_EARLY_MS) return;
    const key = compositeKey(use.tenant, use.subject, use.client);
    this.#left.set(key, { transport: use.transport, at: this.#deps.now() });
  }

  /** A person's client says which transport it uses, and which one did not work. */
  reported(person: Person, { transport, fallback }: TransportReport): void {
    this.#note({ ...person, transport }, false);
    if (fallback !== undefined) this.#fail({ ...person, transport: fallback.from }, "client");
  }

  #fail(use: PersonsUse, seenBy: "edge" | "client"): void {
    if (use.transport === "sse") return;
    this.#deps.observer.transportFailed(use.transport, seenBy);
    this.#note(use, true);
  }

  #note({ transport, tenant, subject }: PersonsUse, hasFailed: boolean): void {
    if (transport === "sse") return;
    const key = keyOf(tenant, transport);
    const judged = this.#judged.get(key) ?? this.#judge(tenant, transport);
    this.#judged.set(key, judged);
    judged.breaker.note(subject, hasFailed);
  }

  #judge(tenant: string, transport: Transport): Judged {
    const onSwitch = (isAway: boolean, count: BreakerCount): void =>
      this.#deps.observer.transportSwitched(transport, tenant, isAway, count);
    return { breaker: new TransportBreaker(this.#deps.now, onSwitch), onSwitch };
  }
}

function keyOf(tenant: string, transport: Transport): string {
  return compositeKey(tenant, transport);
}
