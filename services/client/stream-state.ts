import type { BusyReason } from "../shared/protocol/busy-reasons.ts";
import type { ErrorCode } from "../shared/protocol/problem-codes.ts";

/** Why no stream is open just now, or why an open one is not up to date yet. */
export type WaitReason =
  /** The first request is under way. */
  | "opening"
  /** The connection broke off, or the edge could not be reached. */
  | "lost"
  /** Nothing came for longer than heartbeats allow. */
  | "stalled"
  /** The edge ended the stream in good order. */
  | "bye"
  /** The edge takes no stream of this client for now. */
  | `busy:${BusyReason}`
  /** The edge, or what it needs, is away. */
  | "unavailable"
  /** A fresh token is being fetched. */
  | "token"
  /** Another road is tried. */
  | "fallback"
  /** The stream is open, and older events are still coming. */
  | "catching_up";

/** Why a stream has ended for good. */
export type EndReason =
  /** `close` was called. */
  | "closed"
  /** There is no token any more: the function gave none. */
  | "signed_out"
  /** A token that was fetched a moment ago is refused, or there is no way to fetch another one. */
  | "unauthorized"
  /** The session was ended. */
  | "revoked"
  /** The person may not have this stream. */
  | "forbidden"
  /** The edge will never answer this request. */
  | "refused";

/** How a stream is. */
export type StreamState =
  /** No stream was open yet. */
  | { readonly name: "connecting"; readonly reason: WaitReason }
  /** What was shown is up to date. */
  | { readonly name: "live" }
  /** There was a stream, and events may be on their way: it comes back, or catches up. */
  | { readonly name: "behind"; readonly reason: WaitReason }
  /** The edge holds events back until it is certain again who may see them: `degraded`. */
  | { readonly name: "held"; readonly reason: string }
  /** The device has no network, or the page is frozen or in the back-forward cache. */
  | { readonly name: "offline"; readonly reason: "network" | "suspended" }
  | {
      readonly name: "ended";
      readonly reason: EndReason;
      /** Of the problem document, where there was one. */
      readonly code?: ErrorCode | undefined;
      /** For people. */
      readonly detail?: string | undefined;
    };
