import type { Farewell } from "./control.ts";
import type { Unreadable } from "./roads/ask-capabilities.ts";
import type { FallbackReason } from "../shared/protocol/client-report.ts";
import type { Refusal } from "./roads/road.ts";
import type { EndReason, StreamState, WaitReason } from "./stream-state.ts";

/** What happens to a stream, as far as its state depends on it. */
export type Happening =
  /** No stream is open, and for this reason. */
  | { readonly kind: "waits"; readonly reason: WaitReason }
  /** `ready` came. `catchesUp`: older events may follow. */
  | { readonly kind: "ready"; readonly catchesUp: boolean }
  /** No event came for a moment. */
  | { readonly kind: "quiet" }
  | { readonly kind: "degraded"; readonly reason: string }
  | { readonly kind: "recovered" }
  | { readonly kind: "away"; readonly reason: "network" | "suspended" };

/** The state after something has happened; `hadStream`: whether one was open before. An end is final. */
export function stateAfter(state: StreamState, happening: Happening, hadStream: boolean): StreamState {
  if (state.name === "ended") return state;
  switch (happening.kind) {
    case "waits":
      return hadStream
        ? { name: "behind", reason: happening.reason }
        : { name: "connecting", reason: happening.reason };
    case "ready":
      // A poll begins anew with each answer, on a road that is open all the time.
      return happening.catchesUp && state.name !== "live"
        ? { name: "behind", reason: "catching_up" }
        : { name: "live" };
    case "quiet":
      return state.name === "behind" && state.reason === "catching_up" ? { name: "live" } : state;
    case "degraded":
      return { name: "held", reason: happening.reason };
    case "recovered":
      return { name: "behind", reason: "catching_up" };
    case "away":
      return { name: "offline", reason: happening.reason };
  }
}

/** How a connection ended. */
export type ConnectionEnd =
  | { readonly kind: "farewell"; readonly farewell: Farewell }
  /** It broke off. */
  | { readonly kind: "closed" }
  /** Nothing came for longer than heartbeats allow. */
  | { readonly kind: "stalled" }
  /** The edge did not begin to answer. */
  | { readonly kind: "timeout" }
  /** It began, and its first frame did not come. */
  | { readonly kind: "buffered" }
  /** Something answered that is no edge. */
  | { readonly kind: "unusable" }
  | Unreadable
  | Refusal
  /** The page was frozen, lost its network, or has it back. */
  | { readonly kind: "interrupted" }
  /** No token could be fetched. */
  | { readonly kind: "no_token"; readonly why: "failed" | "signed_out" };

/** What is known when a connection has ended. */
export interface Circumstances {
  /** A frame came along this road before: it is no road that the network blocks, unless it falls silent again and again. */
  readonly isProven: boolean;
  /** How many connections in a row were silent, with this one. */
  readonly silences: number;
  /** A token that was fetched after the last refusal is refused again. */
  readonly isFreshTokenRefused: boolean;
  readonly canRefresh: boolean;
  /** The edge has this road for this caller. */
  readonly isOffered: boolean;
}

/** Come back: after `retryMs` where the edge said so, and later with each failure in a row where it `isFailure`. */
export interface Waiting {
  readonly name: "wait";
  readonly reason: WaitReason;
  readonly retryMs?: number | undefined;
  readonly isFailure: boolean;
}

/** The end of a stream, for good. */
export type Ended = Extract<StreamState, { readonly name: "ended" }>;

/** What is done about it. */
export type Next =
  | Ended
  | Waiting
  /** Fetch a token, and come back with it. */
  | { readonly name: "refresh" }
  /** Take another road. */
  | { readonly name: "leave"; readonly reason: FallbackReason };

/** After so many, a road that has worked is taken for one that the network keeps things from. */
const SILENCES_TO_LEAVE = 2;

/** What follows from the end of a connection. */
export function whatNext(end: ConnectionEnd, at: Circumstances): Next {
  switch (end.kind) {
    case "farewell":
      return afterFarewell(end.farewell, at);
    case "refused":
      return afterRefusal(end, at);
    case "closed":
    case "unreachable":
      return lost("lost");
    case "interrupted":
      return { name: "wait", reason: "lost", retryMs: 0, isFailure: false };
    case "no_token":
      return end.why === "signed_out" ? ended("signed_out") : lost("token");
    case "stalled":
    case "timeout":
    case "buffered":
      if (at.isProven && at.silences < SILENCES_TO_LEAVE) return lost("stalled");
      return { name: "leave", reason: end.kind === "timeout" ? "timeout" : "buffered" };
    case "cors_blocked":
      return { name: "leave", reason: "cors_blocked" };
    case "unusable":
      return { name: "leave", reason: "status" };
  }
}

function afterFarewell(farewell: Farewell, at: Circumstances): Next {
  switch (farewell.name) {
    case "bye":
      return { name: "wait", reason: "bye", retryMs: farewell.retryMs, isFailure: false };
    case "busy":
      return { name: "wait", reason: `busy:${farewell.reason}`, retryMs: farewell.retryMs, isFailure: false };
    case "auth_error":
      if (farewell.reason === "revoked" || farewell.reason === "forbidden") return ended(farewell.reason);
      // A cookie may be renewed by the handshake itself.
      return at.canRefresh ? renew(at, {}) : lost("token");
  }
}

function afterRefusal({ status, code, detail, retryAfterMs }: Refusal, at: Circumstances): Next {
  if (!at.isOffered || code === "transport_off") return { name: "leave", reason: "status" };
  // 429 is said to who asks too often, 5xx where something is away: a flap of auth is one of these, too.
  if (status === 429 || status >= 500) {
    return { name: "wait", reason: "unavailable", retryMs: retryAfterMs, isFailure: true };
  }
  if (status === 401) return renew(at, { code, detail });
  return { ...ended(status === 403 ? "forbidden" : "refused"), code, detail };
}

/** One refresh for one refusal: a token that is refused as soon as it is fetched will be refused for ever. */
function renew({ canRefresh, isFreshTokenRefused }: Circumstances, why: Pick<Refusal, "code" | "detail">): Next {
  return canRefresh && !isFreshTokenRefused ? { name: "refresh" } : { ...ended("unauthorized"), ...why };
}

function lost(reason: WaitReason): Next {
  return { name: "wait", reason, isFailure: true };
}

function ended(reason: EndReason): Ended {
  return { name: "ended", reason };
}
