/**
 * A frame as every road carries it: the fields of a block of Server-Sent Events. `data` is the very text that
 * `MessageEvent.data` holds, also where it is JSON: nothing of a payload is changed on the way.
 */
export interface Frame {
  /** The name of a frame of our own; events of tenants have none, or one with a dot. */
  readonly event?: string | undefined;
  readonly id?: string | undefined;
  /** How long to wait when the stream breaks off, in milliseconds. */
  readonly retry?: number | undefined;
  readonly data?: string | undefined;
}
