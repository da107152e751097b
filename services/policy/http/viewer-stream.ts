import type { Context } from "hono";
import { poll } from "#shared/async/poll.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";

/** What a viewer may leave unread: 200 events with the longest topics. One that leaves more is ended. */
const MAX_UNREAD_BYTES = 2 * 1024 * 1024;

const BEAT_EVERY_MS = 10_000;
/** A right may end without a change of the policy: with a session, with a token, with a binding's time. */
const CHECK_RIGHT_EVERY_MS = 30_000;
const LOOK_FOR_CHANGES_EVERY_MS = 1_000;
/** How long a viewer whose stream ends waits before it comes again. */
export const RETRY_MS = 2_000;

/** A frame of a stream of events. */
interface ViewerFrame {
  readonly event?: string;
  readonly id?: string | undefined;
  readonly data: object;
}

/** The right of a viewer. */
export interface ViewerRight {
  /** Rejects with an AppError when the right has ended, or cannot be checked. */
  readonly authorize: () => Promise<unknown>;
  /** The policy that it follows from, as far as this process has it: another object after each change. */
  readonly policy: () => object | undefined;
}

/** A stream of Server-Sent Events for somebody who looks on. Nothing is kept for one who does not read. */
export class ViewerStream {
  readonly #body: ReadableStream<Uint8Array>;
  readonly #owned = new DisposableStack();
  readonly #encoder = new TextEncoder();
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #isOpen = true;

  constructor() {
    const start = (controller: ReadableStreamDefaultController<Uint8Array>): void =>
      void (this.#controller = controller);
    const unread = new ByteLengthQueuingStrategy({ highWaterMark: MAX_UNREAD_BYTES });
    this.#body = new ReadableStream({ start, cancel: () => this.#leave() }, unread);
    // A line of the block that comes first: some clients dispatch a block without data.
    this.#write(`retry: ${RETRY_MS}\n`);
  }

  /** The stream as the answer to a request. */
  respond(c: Context): Response {
    return c.body(this.#body, 200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      "x-accel-buffering": "no",
    });
  }

  /** Disposes of it when the viewer has left. */
  own(resource: Disposable): void {
    if (this.#isOpen) this.#owned.use(resource);
    else resource[Symbol.dispose]();
  }

  /**
   * Keeps the stream alive while the viewer has the right to it, which is looked at within a second of a change of the policy, and every
   * 30 s, unless a test says otherwise.
   */
  watchRight({ authorize, policy }: ViewerRight, everyMs = CHECK_RIGHT_EVERY_MS): void {
    let known = policy();
    const check = (): Promise<void> =>
      authorize().then(
        () => undefined,
        (error: unknown) => this.refuse(toAppError(error)),
      );
    // A comment alone, without the line that would end a block.
    this.own(poll(BEAT_EVERY_MS, async () => this.#write(":\n")));
    this.own(poll(everyMs, check));
    const look = async (): Promise<void> => {
      const now = policy();
      if (now === known) return;
      known = now;
      await check();
    };
    this.own(poll(LOOK_FOR_CHANGES_EVERY_MS, look));
  }

  /** Sends a frame. */
  send({ event, id, data }: ViewerFrame): void {
    const name = event === undefined ? "" : `event: ${event}\n`;
    this.#write(`${name}${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);
  }

  /** Ends the viewer, whose right has ended or cannot be checked. */
  refuse({ code }: AppError): void {
    if (code === "unavailable") this.finish("busy", { reason: code, retryMs: RETRY_MS });
    else this.finish("auth_error", { reason: code });
  }

  /** Sends the last frame. */
  finish(event: string, data: object): void {
    this.send({ event, data });
    if (this.#isOpen) this.#controller.close();
    this.#leave();
  }

  #write(text: string): void {
    if (!this.#isOpen) return;
    this.#controller.enqueue(this.#encoder.encode(text));
    if ((this.#controller.desiredSize ?? 0) > 0) return;
    this.#controller.error(new AppError("unavailable", "the viewer does not read"));
    this.#leave();
  }

  #leave(): void {
    this.#isOpen = false;
    this.#owned.dispose();
  }
}
