import type { Context } from "hono";
import { poll } from "#shared/async/poll.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";

/** What a viewer may leave unread: 200 events with the longest topics. One that leaves more is ended. */
const MAX_UNREAD_BYTES = 2 * 1024 * 1024;

const BEAT_EVERY_MS = 10_000;
const CHECK_RIGHT_EVERY_MS = 30_000;
/** How long a viewer whose stream ends waits before it comes again. */
export const RETRY_MS = 2_000;

/** A frame of a stream of events. */
interface ViewerFrame {
  readonly event?: string;
  readonly id?: string | undefined;
  readonly data: object;
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
    this.#write(`retry: ${RETRY_MS}\n\n`);
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

  /** Keeps the stream alive while the viewer has the right to it, which is looked at every 30 s unless a test says otherwise. */
  watchRight(authorize: () => Promise<unknown>, everyMs = CHECK_RIGHT_EVERY_MS): void {
    const check = (): Promise<void> =>
      authorize().then(
        () => undefined,
        (error: unknown) => this.refuse(toAppError(error)),
      );
    this.own(poll(BEAT_EVERY_MS, async () => this.#write(":\n\n")));
    this.own(poll(everyMs, check));
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
