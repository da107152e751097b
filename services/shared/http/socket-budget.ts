import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { networkOfSocket } from "./client-address.ts";
import type { SocketLimits } from "./socket-limits.ts";

/** Why a connection was ended: too many of its address wait, too many of all, or there are no descriptors for more. */
export type SocketEnd = "address" | "waiting" | "descriptors";

/**
 * A connection that has waited for less is ended only for want of descriptors. Thousands who come back at once, or through one
 * address, are all accepted before the first request is read.
 */
const SPARED_MS = 3_000;

interface Held {
  readonly socket: Socket;
  readonly address: string;
  /** Whether the connection has asked for something whole, and is being answered. */
  isWaiting: boolean;
  /** When it began to wait. */
  since: number;
  isOpen: boolean;
}

/**
 * The connections of ports for the public. One waits as long as it asks for nothing whole: from its beginning, during half a
 * request, between two requests. Where too many wait, those that have waited longest are ended: a stranger who opens more
 * than an address may only pushes out connections of their own, and a newcomer who asks for something gets in.
 */
export class SocketBudget {
  readonly limits: SocketLimits;
  readonly #onEnd: (why: SocketEnd, address: string) => void;
  readonly #now: () => number;
  readonly #held = new WeakMap<Duplex, Held>();
  /** In the order in which they began to wait. */
  readonly #waiting = new Set<Held>();
  readonly #waitingOf = new Map<string, Set<Held>>();
  #open = 0;

  constructor(
    limits: SocketLimits,
    onEnd: (why: SocketEnd, address: string) => void = () => undefined,
    now: () => number = () => performance.now(),
  ) {
    this.limits = limits;
    this.#onEnd = onEnd;
    this.#now = now;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#open;
  }

  /** Those of them that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Counts a new connection in, and ends those that have waited longest where there are too many. */
  add(socket: Socket): void {
    const held: Held = { socket, address: networkOfSocket(socket), isWaiting: false, since: 0, isOpen: true };
    this.#held.set(socket, held);
    this.#open += 1;
    this.#wait(held);
    socket.once("close", () => this.#remove(held));
    const { waitingOfOne, waiting, open } = this.limits;
    const ofOne = this.#waitingOf.get(held.address);
    if (ofOne !== undefined) this.#endBeyond(waitingOfOne, ofOne, "address");
    this.#endBeyond(waiting, this.#waiting, "waiting");
    if (this.#open > open) this.#endOldest(this.#waiting, "descriptors");
  }

  /** The connection is known by this stream, too: what decrypts it, or stands between it and node:http. */
  alias(socket: Socket, stream: Duplex): void {
    const held = this.#held.get(socket);
    if (held !== undefined) this.#held.set(stream, held);
  }

  /** The connection has asked for something whole. */
  answers(stream: Duplex): void {
    const held = this.#held.get(stream);
    if (held !== undefined) this.#stopWaiting(held);
  }

  /** The connection asks for nothing any more. */
  waits(stream: Duplex): void {
    const held = this.#held.get(stream);
    if (held === undefined || !held.isOpen) return;
    this.#stopWaiting(held);
    this.#wait(held);
  }

  #wait(held: Held): void {
    held.isWaiting = true;
    held.since = this.#now();
    this.#waiting.add(held);
    const ofOne = this.#waitingOf.get(held.address);
    if (ofOne === undefined) this.#waitingOf.set(held.address, new Set([held]));
    else ofOne.add(held);
  }

  #stopWaiting(held: Held): void {
    if (!held.isWaiting) return;
    held.isWaiting = false;
    this.#waiting.delete(held);
    const ofOne = this.#waitingOf.get(held.address);
    ofOne?.delete(held);
    if (ofOne?.size === 0) this.#waitingOf.delete(held.address);
  }

  #endBeyond(most: number, of: Set<Held>, why: SocketEnd): void {
    const spared = this.#now() - SPARED_MS;
    for (const { since } of of) {
      if (of.size <= most || since > spared) return;
      this.#endOldest(of, why);
    }
  }

  #endOldest(of: Set<Held>, why: SocketEnd): void {
    const [oldest] = of;
    if (oldest === undefined) return;
    this.#remove(oldest);
    oldest.socket.destroy();
    this.#onEnd(why, oldest.address);
  }

  #remove(held: Held): void {
    if (!held.isOpen) return;
    held.isOpen = false;
    this.#open -= 1;
    this.#stopWaiting(held);
  }
}
