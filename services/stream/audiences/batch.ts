import type { EventEntry, Position } from "../event.ts";
import type { FlushTrace } from "../observe/event-traces.ts";

/** A receiver of batches. */
export interface Receiver {
  /** Writes coded frames of so many events; false where they may not be written to it. */
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

/** What is the same for receivers that get all but so many frames. */
interface Part {
  coded: Buffer | undefined;
  /** How many of them it was written to. */
  receivers: number;
}

/** What a batch begins with. */
export interface Beginning {
  /** The position before the first event. */
  readonly from: Position;
  readonly frame: Buffer;
  readonly event: EventEntry;
  readonly trace?: FlushTrace | undefined;
  readonly encode: (frames: Buffer) => Buffer;
}

/**
 * The frames of events that leave together. Each is coded once for all receivers that get the same of them. Most batches are one
 * frame for everybody: what others need is made when it is needed.
 */
export class Batch<R extends Receiver> {
  readonly #from: Position;
  readonly #encode: (frames: Buffer) => Buffer;
  readonly #frames: Buffer[];
  /** The events of the frames. */
  readonly events: EventEntry[];
  /** Undefined while no event among them is traced, as mostly. */
  #traced: TracedFrame[] | undefined;
  #bytes: number;
  #writtenBytes = 0;
  readonly #whole: Part = { coded: undefined, receivers: 0 };
  /** By the number of frames that are left out. */
  #parts: Map<number, Part> | undefined;
  /** Those that came while frames were there already: these are not for them. */
  #late: Map<R, Late> | undefined;

  constructor({ from, frame, event, trace, encode }: Beginning) {
    this.#from = from;
    this.#encode = encode;
    this.#frames = [frame];
    this.events = [event];
    this.#bytes = frame.length;
    if (trace !== undefined) this.#traced = [{ place: 0, trace }];
  }

  /** The size of all frames, before they are coded. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The size of all that was written to receivers, as coded. */
  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** How many receivers the batch was written to from the event at this place on. */
  receiversFrom(index: number): number {
    return index === 0 ? this.#whole.receivers : (this.#parts?.get(index)?.receivers ?? 0);
  }

  /** Adds the frame of an event; `trace` hears to whom it is written, where the event is traced. */
  add(frame: Buffer, event: EventEntry, trace?: FlushTrace): void {
    if (trace !== undefined) (this.#traced ??= []).push({ place: this.#frames.length, trace });
    this.#frames.push(frame);
    this.events.push(event);
    this.#bytes += frame.length;
    this.#whole.coded = undefined;
    for (const part of this.#parts?.values() ?? []) part.coded = undefined;
  }

  /** Adds a receiver that stands at `position`, behind all frames so far. */
  join(receiver: R, position: Position): void {
    this.#late ??= new Map();
    this.#late.set(receiver, { skip: this.#frames.length, position });
  }

  /** The receiver's position before this batch is written to it. */
  startOf(receiver: R): Position {
    return this.#late?.get(receiver)?.position ?? this.#from;
  }

  /** Writes the receiver's part; false when it may not be written to it. */
  writeTo(receiver: R, now: number): boolean {
    const skip = this.#late?.get(receiver)?.skip ?? 0;
    const events = this.#frames.length - skip;
    if (events === 0) return true;
    const part = skip === 0 ? this.#whole : this.#partFrom(skip);
    const coded = (part.coded ??= this.#codedFrom(skip));
    if (!receiver.write(coded, events, now)) return false;
    part.receivers += 1;
    this.#writtenBytes += coded.length;
    if (this.#traced !== undefined) noteWritten(this.#traced, skip, receiver);
    return true;
  }

  /** All is written. */
  end(): void {
    for (const { trace } of this.#traced ?? []) trace.end();
  }

  #partFrom(skip: number): Part {
    this.#parts ??= new Map();
    const part = this.#parts.get(skip) ?? { coded: undefined, receivers: 0 };
    this.#parts.set(skip, part);
    return part;
  }

  #codedFrom(skip: number): Buffer {
    const frames = skip === 0 ? this.#frames : this.#frames.slice(skip);
    const [first] = frames;
    return this.#encode(frames.length === 1 && first !== undefined ? first : Buffer.concat(frames));
  }
}

function noteWritten(traced: readonly TracedFrame[], skip: number, { trace: stream }: Receiver): void {
  for (const { place, trace } of traced) if (place >= skip) trace.written(stream?.traceparent);
}
