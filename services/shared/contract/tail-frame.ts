import type { ErasedEntry } from "./control-entry.ts";

/** Why an event reached nobody. */
export type UnreachedReason = "no_rule" | "nobody_connected" | "no_topic" | "denied" | "behind";

/** Whom an event reached, as far as the edges remember. */
export interface EventReach {
  readonly id: string;
  /** Streams that it was written to, of those that were open. */
  readonly reached: number;
  readonly connected: number;
  /** Streams whose topics it matches, and whose people may not see it. */
  readonly denied: number;
  /** Streams that are behind, and will find it in their turn. */
  readonly behind: number;
  /** Null where it reached somebody, and where nobody knows. */
  readonly reason: UnreachedReason | null;
  /** The edges do not know, or not all of them have said. */
  readonly partial: boolean;
}

/** An event in the tail. */
export interface TailEvent {
  readonly id: string;
  readonly at: string;
  readonly topic: string;
  /** The first two tokens of the topic. */
  readonly type: string;
  /** The tokens behind them; empty where there are none. */
  readonly key: string;
  /** The size of the payload. */
  readonly bytes: number;
}

/** Where a tail begins. */
export interface TailReady {
  readonly tenant: string;
  readonly from: string;
}

/** What a viewer of the tail is shown. Each is an event of the stream, by its name. */
export type TailFrame =
  | { readonly event: "ready"; readonly data: TailReady }
  | { readonly event: "event"; readonly data: TailEvent }
  | { readonly event: "reach"; readonly data: EventReach }
  /** So many events were left out: they came faster than a person reads. */
  | { readonly event: "left_out"; readonly data: { readonly count: number } }
  /** What this names is erased, and to be shown no more. */
  | { readonly event: "erased"; readonly data: ErasedEntry }
  /** Events may be missing behind the id that the viewer came with. */
  | { readonly event: "gap"; readonly data: { readonly reason: "too_far_back" | "other_log" } };
