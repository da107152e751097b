import { formatEventId } from "#shared/protocol/event-id.ts";
import type { Registration } from "../access/registration.ts";
import type { EndReason, Position } from "../event.ts";
import { encodeControl, type FrameFormat } from "../frames/encode-frame.ts";
import type { Connection } from "./connection.ts";

/** Every reason for which a stream ends. */
export type StreamEnd =
  /** The right to it is over; the reconnect is refused. */
  | { readonly event: "auth_error"; readonly reason: EndReason }
  /** A reason of ours; the client comes back after `retryMs` and goes on where it was. */
  | { readonly event: "bye"; readonly reason: ByeReason; readonly retryMs: number }
  /** A poll is answered; the client comes back at once. */
  | { readonly event: "cursor"; readonly reason: "answered" }
  /** Nothing is sent: the client left, or the stream failed in a way that nobody expected. */
  | { readonly event: "none"; readonly reason: "gone" | "fault" };

/** Why the server ends a stream that may come back. */
export const BYE_REASONS = [
  "drain",
  "max_age",
  "idle",
  "slow",
  "overload",
  "replaced",
  "changed",
  "closed",
  "transport",
] as const;

export type ByeReason = (typeof BYE_REASONS)[number];

/** The client has left. */
export const GONE: StreamEnd = { event: "none", reason: "gone" };

/** A poll is answered. */
export const ANSWERED: StreamEnd = { event: "cursor", reason: "answered" };

/** The stream failed in a way that nobody expected. */
export const FAULT: StreamEnd = { event: "none", reason: "fault" };

/** Ends a stream for a reason of ours. */
export function bye(reason: ByeReason, retryMs: number): StreamEnd {
  return { event: "bye", reason, retryMs };
}

/** Why the right to a stream is over at this monotonic time; undefined while it is not. */
export function rightOver({ ended, deadline }: Registration, now: number): EndReason | undefined {
  if (ended !== undefined) return ended;
  return deadline !== undefined && now >= deadline ? "expired" : undefined;
}

/** A reader's position when its stream ended. */
export interface LastPosition {
  readonly epoch: string;
  readonly cursor: Position;
  /** The last position the client was sent; undefined while none was. */
  readonly lastSent: Position | undefined;
  readonly isLive: boolean;
  readonly format: Pick<FrameFormat, "framing">;
}

/**
 * Ends a connection by its reason. A client whose right is over gets one last frame, and only where nothing waits before
 * it: a reader that is behind is reset at once, with all that the kernel holds for it.
 */
export function endConnection(connection: Connection, end: StreamEnd, last: LastPosition): void {
  switch (end.event) {
    case "auth_error": {
      const isBehind = connection.behind || (end.reason !== "expired" && !last.isLive);
      const frame = encodeControl(last.format, "auth_error", { reason: end.reason });
      return isBehind ? connection.reset(frame) : connection.end(frame, end);
    }
    case "bye":
      return connection.end(Buffer.concat([...lastCursor(last), byeFrame(end, last)]), end);
    case "cursor":
      return connection.end(Buffer.concat(lastCursor(last)), end);
    case "none":
      return end.reason === "fault" ? connection.fail() : connection.reset();
  }
}

function lastCursor({ epoch, cursor, lastSent, format }: LastPosition): Buffer[] {
  if (cursor.seq === lastSent?.seq) return [];
  return [encodeControl(format, "cursor", "", { id: formatEventId(epoch, cursor) })];
}

function byeFrame({ reason, retryMs }: Extract<StreamEnd, { event: "bye" }>, { format }: LastPosition): Buffer {
  return encodeControl(format, "bye", { reason, retryMs });
}
