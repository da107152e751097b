import type { EndReason, StreamState } from "./stream-state.ts";

/** A stream has ended for good, and not by `close`. */
export class StreamEndedError extends Error {
  readonly reason: EndReason;
  readonly code: string | undefined;

  constructor({ reason, code, detail }: Extract<StreamState, { readonly name: "ended" }>) {
    super(`the stream has ended: ${detail ?? code ?? reason}`);
    this.name = "StreamEndedError";
    this.reason = reason;
    this.code = code;
  }
}
