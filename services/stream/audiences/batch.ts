import type { EventEntry, Position } from "../event.ts";

/** A receiver of batches. */
export interface Receiver {
  /** Writes coded frames of so many events; false where they may not be written to it. */
  write(coded: Buffer, events: number, now: number): boolean;
}

/** Where a receiver came in: so many frames were there already, and it stood behind them. */
interface Late {
  readonly skip: number;
  readonly position: Position;
}

/** The frames of events that leave together. Each is coded once for all receivers that get the same of them. */
export class Batch<R extends Receiver> {
  /** The position before the first event. */
  readonly #from: Position;
  readonly #encode: (frames: Buffer) => Buffer;
  readonly #frames: Buffer[] = [];
  /** The events of the frames. */
  readonly events: EventEntry[] = [];
  #bytes = 0;
  #writtenBytes = 0;
  /** How many receivers got all frames, and how many got a part, by the number of frames that were left out for them. */
  #whole = 0;
  readonly #partly = new Map<number, number>();
  /** Those that came while frames were there already: these are not for them. */
  readonly #late = new Map<R, Late>();
  /** By the number of frames that are left out. */
  readonly #coded = new Map<number, Buffer>();

  constructor(from: Position, encode: (frames: Buffer) => Buffer) {
    this.#from = from;
    this.#encode = encode;
  }

  /** The size of all frames, before they are coded. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The size of all that was written to receivers, as coded. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** How many receivers each event was written to, in the order of the events. */
  get receivers(): readonly number[] {
    let receivers = this.#whole;
    return this.events.map((_, index) => (receivers += this.#partly.get(index) ?? 0));
  }

  add(frame: Buffer, event: EventEntry): void {
    this.#frames.push(frame);
    this.events.push(event);
    this.#bytes += frame.length;
    this.#coded.clear();
  }

  /** Adds a receiver that stands at `position`, behind all frames so far. */
  join(receiver: R, position: Position): void {
    this.#late.set(receiver, { skip: this.#frames.length, position });
  }

  /** The receiver's position before this batch is written to it. */
  startOf(receiver: R): Position {
    return this.#late.get(receiver)?.position ?? this.#from;
  }

  /** Writes the receiver's part; false when it may not be written to it. */
  writeTo(receiver: R, now: number): boolean {
    const skip = this.#late.get(receiver)?.skip ?? 0;
    const events = this.#frames.length - skip;
    if (events === 0) return true;
    const coded = this.#codedFrom(skip);
    if (!receiver.write(coded, events, now)) return false;
    this.#writtenBytes += coded.length;
    if (skip === 0) this.#whole += 1;
    else this.#partly.set(skip, (this.#partly.get(skip) ?? 0) + 1);
    return true;
  }

  #codedFrom(skip: number): Buffer {
    const known = this.#coded.get(skip);
    if (known !== undefined) return known;
    const frames = this.#frames.slice(skip);
    const [first] = frames;
    const coded = this.#encode(frames.length === 1 && first !== undefined ? first : Buffer.concat(frames));
    this.#coded.set(skip, coded);
    return coded;
  }
}
