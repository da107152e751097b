import type { AudienceKey } from "../audiences/audience.ts";
import type { LastWord, Position } from "../event.ts";

/**
 * Where a reader writes to, and the one truth about whether anybody is there still. An open stream is one way; how its bytes travel
 * is the adapter's. A write neither waits nor throws, and one after the end does nothing.
 */
export interface Connection {
  /** How bytes are coded that several connections get together. */
  readonly coding: AudienceKey["coding"];
  /** Whether it takes more; while it does not, a reader waits for `drained`. */
  readonly writable: boolean;
  /** How many events it takes in one piece with the next one, at least that while it is `writable`; undefined where it counts none. */
  readonly room?: number;
  /** Whether bytes wait in our process. */
  readonly behind: boolean;
  /** Grows whenever something that waited has left; while it stays the same, nothing gets through. */
  readonly progress: number;
  /** All bytes that were written to it. */
  readonly bytes: number;
  /** Resolves when nobody is there any more, whoever ended it. */
  readonly closed: Promise<void>;
  /** Writes frames in one piece; `events` are the positions of the events among them, in order. */
  write(frames: Buffer, events?: readonly Position[]): void;
  /** Writes what its coding has encoded already; not the first frames. */
  writeCoded(bytes: Buffer): void;
  /** Resolves when it is `writable` again, or nobody is there. */
  drained(): Promise<void>;
  /** Writes a last frame, which says `word`, and ends in good order. */
  end(last: Buffer, word: LastWord): void;
  /** Ends at once, with all that waits; `instead` is sent where nothing has left yet. */
  reset(instead?: Buffer): void;
  /** Breaks off for a fault of ours, by a code where there are some: the client may come back. */
  fail(): void;
}
