import type { ControlData, ControlEvent } from "#shared/protocol/control-frames.ts";
import { formatEventId } from "#shared/protocol/event-id.ts";
import type { Position } from "../event.ts";
import type { Notice, Start } from "../log/resume.ts";
import type { Observer } from "../observe/observer.ts";
import { encodeControl, type FrameFormat, heartbeatOf } from "../frames/encode-frame.ts";
import type { Connection } from "./connection.ts";
import { type Gap, gapOf, type Hole } from "./read-slice.ts";

/** Writes the frames of our own to a client, and knows the last position that it was sent. */
export class OwnFrames {
  /** Undefined while the client was sent none. */
  lastSent: Position | undefined;
  /** Hears what the client is told is lost. */
  onLoss: (notice: Notice) => void = () => undefined;
  readonly #connection: Connection;
  readonly #log: { readonly epoch: string };
  readonly #observer: Pick<Observer, "noticed">;
  readonly #format: Pick<FrameFormat, "framing">;
  /** What the client has not been told of its topics yet, because it took nothing. */
  #owed: ControlData["subscription"] | undefined;

  constructor(
    connection: Connection,
    format: Pick<FrameFormat, "framing">,
    log: { readonly epoch: string },
    observer: Pick<Observer, "noticed">,
    lastSent: Position,
  ) {
    this.#connection = connection;
    this.#format = format;
    this.#log = log;
    this.#observer = observer;
    this.lastSent = lastSent;
  }

  /** Sends which topics are granted and where delivery begins, and how long to wait before a reconnect. */
  sendReady(ready: ControlData["ready"], { position, notice }: Start, retryMs: number): void {
    this.send("ready", ready, notice === undefined ? position : undefined, retryMs);
    if (notice !== undefined) this.sendNotice(notice, position);
  }

  send<E extends ControlEvent>(event: E, data: ControlData[E], position?: Position, retryMs?: number): void {
    if (position !== undefined) this.lastSent = position;
    const id = position && formatEventId(this.#log.epoch, position);
    this.#connection.write(encodeControl(this.#format, event, data, { id, retryMs }));
  }

  /**
   * Sends which topics are granted. A client that takes nothing is told later, once for all that has changed until then: answers
   * false, and `sendOwed` goes before whatever else is delivered.
   */
  sendSubscription(data: ControlData["subscription"]): boolean {
    this.#owed = { ...this.#owed, ...data };
    if (this.#connection.writable) this.sendOwed();
    return this.#owed === undefined;
  }

  /** Sends what the client was not told of its topics while it took nothing. */
  sendOwed(): void {
    const owed = this.#owed;
    this.#owed = undefined;
    if (owed !== undefined) this.send("subscription", owed);
  }

  sendNotice(notice: Notice, position: Position): void {
    this.noteLoss({ notice, position });
    this.send(notice.event, notice.data, position);
  }

  /** Sends the gap before a reader's cursor, if there is one. */
  sendHole(state: { hole: Hole | undefined }): void {
    if (state.hole === undefined) return;
    const gap = gapOf(this.#log.epoch, state.hole, this.#format);
    state.hole = undefined;
    this.noteLoss(gap);
    this.#connection.write(gap.frame);
  }

  /** Sends a reader's cursor: a client that comes back need not begin again where it began, since nothing was for it up to here. */
  sendCursor(state: { hole: Hole | undefined; readonly cursor: Position }): void {
    this.sendHole(state);
    this.send("cursor", "", state.cursor);
  }

  /** Keeps the connection alive, and sends the client its position if that has changed. */
  keepAlive(position: Position): void {
    if (position.seq === this.lastSent?.seq) this.#connection.write(heartbeatOf(this.#format));
    else this.send("cursor", "", position);
  }

  /** The client is told of a loss, among events perhaps. */
  noteLoss({ notice, position }: Gap): void {
    this.lastSent = position;
    this.#observer.noticed(notice.event);
    this.onLoss(notice);
  }
}
