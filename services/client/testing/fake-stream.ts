/** The body of one open stream. */
export class FakeStream {
  readonly connectionId: string;
  readonly topics: Set<string>;
  /** For the answer. */
  readonly body: ReadableStream<Uint8Array>;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  /** `onClose`: the client has left. */
  constructor(connectionId: string, topics: readonly string[], signal: AbortSignal | undefined, onClose: () => void) {
    this.connectionId = connectionId;
    this.topics = new Set(topics);
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      cancel: onClose,
    });
    signal?.addEventListener("abort", () => {
      this.cut();
      onClose();
    });
  }

  /** Writes a frame, as text. */
  write(frame: string): void {
    this.#controller?.enqueue(this.#encoder.encode(frame));
  }

  /** Ends the body in good order. */
  end(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  /** Breaks it off. */
  cut(): void {
    this.#controller?.error(new TypeError("the connection was cut"));
    this.#controller = undefined;
  }
}
