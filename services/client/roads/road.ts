import type { CookieMode } from "../environment/environment.ts";
import type { Frame } from "../../shared/protocol/frame.ts";
import type { ErrorCode } from "../../shared/protocol/problem-codes.ts";

/** What a stream is asked for with. */
export interface RoadRequest {
  /** The edge, without a path. */
  readonly url: string;
  /** What the stream is of; not where it begins. */
  readonly parameters: Readonly<URLSearchParams>;
  /** Asked at each request that a road makes. */
  readonly lastEventId: () => string | undefined;
  /** The same. */
  readonly token: () => string | undefined;
  /** Which cookies go along. */
  readonly credentials: CookieMode;
  /** So many bytes before the first frame, against proxies that keep the first few thousand to themselves. */
  readonly pad: number;
}

/** Who is told what comes along a road, until the signal of the road aborts. */
export interface RoadListener {
  /** The edge has begun to answer; `transports` are the roads that are on for this caller, where it says so. */
  onOpen(transports: readonly string[] | undefined): void;
  /** Something came, be it a heartbeat. */
  onBytes(): void;
  onFrame(frame: Frame): void;
}

/** How a road ended. */
export type RoadEnd =
  /** It was open, and broke off, or ended in good order: the last frame says which. */
  | { readonly kind: "closed" }
  /** There was no answer, or none that this page may read. */
  | { readonly kind: "unreachable" }
  /** Something answered that is no edge, or no such road: a proxy, a login page of a network. */
  | { readonly kind: "unusable" }
  | Refusal;

/** The edge says no. */
export interface Refusal {
  readonly kind: "refused";
  readonly status: number;
  readonly code?: ErrorCode | undefined;
  readonly detail?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly transports?: readonly string[] | undefined;
}

/**
 * Asks for a stream and follows it until it ends or the signal aborts, which ends it as `closed`. It never throws.
 */
export type FollowRoad = (request: RoadRequest, listener: RoadListener, signal: AbortSignal) => Promise<RoadEnd>;
