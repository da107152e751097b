import type { FlushTrace } from "../observe/event-traces.ts";
import type { Position } from "../event.ts";

/** A receiver of batches. */
export interface Receiver {
  /** Writes coded frames of so many events; false when they may not be written to it. */
  write(coded: Buffer, events: number, now: number): boolean;
  /** Its span, where that is recorded. */
  readonly trace?: { readonly traceparent: string | undefined } | undefined;
}

/** A frame whose event is traced, by its place among the others. */
interface TracedFrame {
  readonly place: number;
  readonly trace: FlushTrace;
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
  /** Undefined while no event among them is traced, as mostly. */
  #traced: TracedFrame[] | undefined;
  #bytes = 0;
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

  /** Adds the frame of an event; `trace` hears to whom it is written, where the event is traced. */
  add(frame: Buffer, trace?: FlushTrace): void {
    if (trace !== undefined) (this.#traced ??= []).push({ place: this.#frames.length, trace });
    this.#frames.push(frame);
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
    if (!receiver.write(this.#codedFrom(skip), events, now)) return false;
    if (this.#traced !== undefined) noteWritten(this.#traced, skip, receiver);
    return true;
  }

  /** All is written. */
  end(): void {
    for (const { trace } of this.#traced ?? []) trace.end();
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

function noteWritten(traced: readonly TracedFrame[], skip: number, { trace: stream }: Receiver): void {
  for (const { place, trace } of traced) if (place >= skip) trace.written(stream?.traceparent);
}
