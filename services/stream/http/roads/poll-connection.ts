import type { ServerResponse } from "node:http";
import type { Connection } from "../../connections/connection.ts";
import type { LastWord, Position } from "../../event.ts";
import { plainBody } from "../../sse/body-coding.ts";
import { encodePoll } from "./encode-poll.ts";

/** Events of one burst come within this: they are one answer. */
const GATHER_MS = 15;

/** A poll that goes on is no shorter, unless it is full: under constant events a client asks twice a second, not a hundred times. */
const PACE_MS = 500;

/** An answer is full with so much. A frame of a megabyte goes alone. */
const MAX_BYTES = 256 * 1_024;
const MAX_EVENTS = 1_000;

/** A poll that has waited long enough is given this much more to reach the end of its log, and looked at so often. */
const LATE_MS = 5_000;
const LOOK_MS = 50;

/** An answer of which the client takes nothing for so long is given up. */
const STALL_MS = 10_000;

/** Frames that are no news to a client that goes on: they do not end its poll. */
const QUIET = /^(?:\n|\{"event":"(?:ready|cursor)")/;

/** How a poll is answered. */
export interface PollOptions {
  readonly waitMs: number;
  /** The id that the client goes on behind; undefined for a first poll, which is answered at once with its position. */
  readonly lastEventId: string | undefined;
  readonly connectionId: string;
  /** Whether its stream is at the end of its log: what there is was written. */
  readonly isCaughtUp: () => boolean;
  /** Ends its stream: the answer is complete. */
  readonly complete: () => void;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
}

/**
 * The answer to one poll as a connection: it gathers frames, and is written once, with the last frame or instead of everything that
 * may not be delivered any more. Owns the response.
 */
export class PollConnection implements Connection {
  readonly coding = plainBody;
  readonly progress = 0;
  readonly closed: Promise<void>;
  bytes = 0;
  readonly #response: ServerResponse;
  readonly #options: PollOptions;
  readonly #beganAt: number;
  #frames: Buffer[] = [];
  #gatheredBytes = 0;
  #events = 0;
  /** When the answer is due, by the monotonic clock. */
  #dueAt: number;
  #timer: NodeJS.Timeout;
  /** Whether something came that is worth an answer of its own. */
  #hasNews = false;
  #isHurried = false;
  #isOver = false;

  constructor(response: ServerResponse, options: PollOptions) {
    this.#response = response;
    this.#options = options;
    this.#beganAt = options.now();
    this.#dueAt = this.#beganAt + options.waitMs;
    this.#timer = setTimeout(() => this.#complete(), options.waitMs);
    const { socket } = response;
    // Its client has closed its side: it may have gone, and then waits for nothing; or it reads its answer still.
    const hurry = (): void => {
      this.#isHurried = true;
      this.#expectBy(this.#options.now());
    };
    if (socket?.readableEnded === true) hurry();
    else socket?.on("end", hurry);
    this.closed = new Promise((resolve) => {
      response.on("close", () => {
        socket?.off("end", hurry);
        this.#stop();
        resolve();
      });
    });
  }

  /** Whether the answer has room. */
  get writable(): boolean {
    return !this.#isOver && !this.#isFull;
  }

  get room(): number {
    return Math.max(1, MAX_EVENTS - this.#events);
  }

  /** Whether events wait here. */
  get behind(): boolean {
    return this.#events > 0 && !this.#isOver;
  }

  write(frames: Buffer, events: readonly Position[] = []): void {
    if (this.#isOver) return;
    this.#gather(frames, events.length);
    const isNews = events.length > 0 || !QUIET.test(frames.toString("latin1", 0, 32));
    if (isNews) this.#expectNews();
    if (this.#options.lastEventId === undefined) this.#expectBy(this.#options.now() + GATHER_MS);
  }

  /** What comes coded is for an audience, which gets events alone. */
  writeCoded(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#gather(bytes, 1);
    this.#expectNews();
  }

  /** It is never writable again: a full answer leaves as it is. */
  drained(): Promise<void> {
    return this.writable ? Promise.resolve() : this.closed;
  }

  end(last: Buffer, _word: LastWord): void {
    if (this.#isOver) return;
    this.#answer([...this.#frames, last]);
  }

  /** Also drops what is left of an answer that its client has not taken yet. */
  reset(instead?: Buffer): void {
    if (!this.#isOver && instead !== undefined) return this.#answer([instead]);
    this.#stop();
    this.#response.destroy();
  }

  fail(): void {
    this.reset();
  }

  get #isFull(): boolean {
    return this.#gatheredBytes >= MAX_BYTES || this.#events >= MAX_EVENTS;
  }

  #gather(frames: Buffer, events: number): void {
    this.#frames.push(frames);
    this.#gatheredBytes += frames.length;
    this.#events += events;
  }

  #expectNews(): void {
    this.#hasNews = true;
    const now = this.#options.now();
    this.#expectBy(this.#isFull ? now : Math.max(now + GATHER_MS, this.#beganAt + PACE_MS));
  }

  /** Never at once: whoever writes is in the middle of something that the end of the stream must not meet. */
  #expectBy(at: number): void {
    if (this.#isOver || at >= this.#dueAt) return;
    this.#dueAt = at;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#complete(), Math.max(0, at - this.#options.now()));
  }

  #complete(): void {
    const { isCaughtUp, now, waitMs, complete } = this.#options;
    const mayBeLate = now() - this.#beganAt < waitMs + LATE_MS && !this.#isHurried;
    if (this.#hasNews || !mayBeLate || isCaughtUp()) return complete();
    this.#timer = setTimeout(() => this.#complete(), LOOK_MS);
  }

  #stop(): void {
    this.#isOver = true;
    this.#frames = [];
    clearTimeout(this.#timer);
  }

  #answer(frames: readonly Buffer[]): void {
    this.#stop();
    const { lastEventId = "", connectionId } = this.#options;
    const body = encodePoll(frames, lastEventId);
    this.bytes = body.length;
    this.#response.socket?.setTimeout(STALL_MS);
    this.#response.writeHead(200, {
      "content-type": "application/json",
      "cache-control": "no-store",
      "content-length": body.length,
      "x-connection-id": connectionId,
      "x-content-type-options": "nosniff",
    });
    this.#response.end(body);
  }
}
