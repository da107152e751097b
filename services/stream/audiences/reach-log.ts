import type { WithheldReason } from "../observe/observer.ts";

/** What is known of an event once it is fanned out to those who are live. */
export interface FannedOut {
  /** Streams that ask for it, and whose people may not see it. */
  readonly denied: number;
  /** Whether the tenant's event map names no permission for its type. */
  readonly isWithoutRule: boolean;
  /** Whether it was or will be written to somebody who is live. */
  readonly isTaken: boolean;
}

/** Whom an event has reached so far. */
export interface Reached extends Omit<FannedOut, "isTaken"> {
  readonly seq: number;
  /** Open streams of the tenant then. */
  readonly connected: number;
  /** Streams that it was written to, those among them that came later and found it in the log. */
  readonly reached: number;
}

/** A tenant with few events keeps little. */
const FIRST_SLOTS = 32;

/** The events among so many sequences are remembered, in 21 KiB. */
const MAX_SLOTS = 1_024;

const WITHOUT_RULE = 1;
const OPEN = 2;

/** Typed arrays: an object for each event would be 100 bytes, and work for the collector. */
interface Slots {
  /** 0 where there is none: a log's first sequence is 1. */
  readonly seqs: Float64Array;
  readonly connected: Uint32Array;
  readonly reached: Uint32Array;
  readonly denied: Uint32Array;
  readonly flags: Uint8Array;
}

/**
 * Remembers of a tenant's last events whom they reached, each at the slot of its sequence, and reports those that reached nobody.
 * What is noted of an event that is not remembered any more is lost.
 */
export class ReachLog {
  readonly #onWithheld: (reason: WithheldReason) => void;
  #slots = createSlots(FIRST_SLOTS);
  /** Events that have reached nobody yet, while some readers are behind. */
  #open: number[] = [];

  constructor(onWithheld: (reason: WithheldReason) => void) {
    this.#onWithheld = onWithheld;
  }

  /** Forgets everything: the log begins anew, and its sequences are other events. */
  clear(): void {
    this.#slots = createSlots(FIRST_SLOTS);
    this.#open = [];
  }

  /** Remembers an event that is about to be fanned out, while so many streams of the tenant are open. */
  add(seq: number, connected: number): void {
    const slot = this.#freeSlot(seq);
    const slots = this.#slots;
    slots.seqs[slot] = seq;
    slots.connected[slot] = connected;
    slots.reached[slot] = 0;
    slots.denied[slot] = 0;
    slots.flags[slot] = 0;
  }

  /** The event that was added last is fanned out. */
  fannedOut(seq: number, { denied, isWithoutRule, isTaken }: FannedOut): void {
    const slot = this.#slotOf(seq);
    this.#slots.denied[slot] = denied;
    this.#slots.flags[slot] = (isWithoutRule ? WITHOUT_RULE : 0) | (isTaken ? 0 : OPEN);
    if (!isTaken) this.#open.push(seq);
  }

  /** The event was written to so many streams. */
  written(seq: number, streams: number): void {
    const slot = this.#slotOf(seq);
    if (this.#slots.seqs[slot] === seq) this.#slots.reached[slot] = (this.#slots.reached[slot] ?? 0) + streams;
  }

  /** A reader that was behind found the event, and may not see it. */
  denied(seq: number): void {
    const slot = this.#slotOf(seq);
    if (this.#slots.seqs[slot] === seq) this.#slots.denied[slot] = (this.#slots.denied[slot] ?? 0) + 1;
  }

  /** No reader is behind: what has reached nobody by now is reported. */
  settle(): void {
    if (this.#open.length === 0) return;
    for (const seq of this.#open) {
      const slot = this.#slotOf(seq);
      if (this.#slots.seqs[slot] === seq) this.#close(slot);
    }
    this.#open = [];
  }

  /** What is known of an event; undefined where it is not remembered. */
  of(seq: number): Reached | undefined {
    const slot = this.#slotOf(seq);
    const { seqs, connected, reached, denied } = this.#slots;
    if (seq < 1 || seqs[slot] !== seq) return undefined;
    const isWithoutRule = this.#has(slot, WITHOUT_RULE);
    const [of, to, not] = [connected[slot] ?? 0, reached[slot] ?? 0, denied[slot] ?? 0];
    return { seq, connected: of, reached: to, denied: not, isWithoutRule };
  }

  /** The slot of a new event. Another event in its place makes room for more, or is forgotten. */
  #freeSlot(seq: number): number {
    const slot = this.#slotOf(seq);
    if (this.#slots.seqs[slot] === 0) return slot;
    if (this.#slots.seqs.length < MAX_SLOTS) {
      this.#slots = twice(this.#slots);
      return this.#freeSlot(seq);
    }
    this.#close(slot);
    if (this.#open.length >= 2 * MAX_SLOTS) this.#open = this.#open.filter((open) => this.#isOpen(open));
    return slot;
  }

  #close(slot: number): void {
    if (!this.#has(slot, OPEN)) return;
    const { flags, reached, denied } = this.#slots;
    flags[slot] = (flags[slot] ?? 0) & ~OPEN;
    if (reached[slot] !== 0) return;
    this.#onWithheld(this.#has(slot, WITHOUT_RULE) ? "no_rule" : denied[slot] === 0 ? "no_listener" : "denied");
  }

  #isOpen(seq: number): boolean {
    const slot = this.#slotOf(seq);
    return this.#slots.seqs[slot] === seq && this.#has(slot, OPEN);
  }

  #has(slot: number, flag: number): boolean {
    return ((this.#slots.flags[slot] ?? 0) & flag) !== 0;
  }

  #slotOf(seq: number): number {
    return seq % this.#slots.seqs.length;
  }
}

function createSlots(count: number): Slots {
  return {
    seqs: new Float64Array(count),
    connected: new Uint32Array(count),
    reached: new Uint32Array(count),
    denied: new Uint32Array(count),
    flags: new Uint8Array(count),
  };
}

/** The same in twice as many slots: no two of them meet there. */
function twice(slots: Slots): Slots {
  const grown = createSlots(slots.seqs.length * 2);
  for (const [slot, seq] of slots.seqs.entries()) {
    const place = seq % grown.seqs.length;
    for (const figure of ["seqs", "connected", "reached", "denied", "flags"] as const) {
      if (seq !== 0) grown[figure][place] = slots[figure][slot] ?? 0;
    }
  }
  return grown;
}
