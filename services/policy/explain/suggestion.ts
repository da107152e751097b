import type { EffectDiff } from "../decide/effect-diff.ts";

/** What somebody can do. */
export const SUGGESTION_KINDS = [
  "bind_role",
  "map_type",
  "change_rule",
  "open_stream",
  "subscribe",
  "log_in",
  "publish_again",
  "replay",
  "wait",
] as const;

/** A call of policy's API, ready to be sent. */
export interface SuggestedCall {
  readonly method: "PUT";
  readonly path: string;
  /** The version that must still be in force: what it was made of. */
  readonly ifMatch: number;
  /** An object is sent as JSON, a text as it is. */
  readonly body: string | { readonly roles: readonly string[] };
}

/** The one change that mends a link. */
export interface Suggestion {
  readonly kind: (typeof SUGGESTION_KINDS)[number];
  readonly text: string;
  /** Null where it is not done by a call of policy's. */
  readonly call: SuggestedCall | null;
  /** Who gains and loses what by it, at most 50. */
  readonly effects: readonly EffectDiff[];
  /** How many rules or people there are besides. */
  readonly more: number;
}

/** A suggestion that changes no policy. */
export function advice(kind: Suggestion["kind"], text: string): Suggestion {
  return { kind, text, call: null, effects: [], more: 0 };
}
