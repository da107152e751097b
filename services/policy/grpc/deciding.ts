import type { PolicyMetrics } from "../metrics.ts";
import type { Snapshots } from "../snapshots.ts";

/** What the decision service counts. */
export type DecisionMetrics = Pick<PolicyMetrics, "decisions" | "resolves">;

/** What answering needs. */
export interface Deciding {
  readonly snapshots: Pick<Snapshots, "atLeast">;
  readonly metrics: DecisionMetrics;
  /** Milliseconds since 1970: bindings end. */
  readonly wall: () => number;
  /** Auth's `iss`. */
  readonly ownIssuer: string;
}
