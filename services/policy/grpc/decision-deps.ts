import type { Tiers } from "../limits/tiers.ts";
import type { PolicyMetrics } from "../metrics.ts";
import type { Snapshots } from "../versions/snapshots.ts";

/** What the decision service counts. */
export type DecisionMetrics = Pick<PolicyMetrics, "decisions" | "resolves">;

export interface DecisionDeps {
  readonly snapshots: Pick<Snapshots, "atLeast">;
  readonly metrics: DecisionMetrics;
  /** Milliseconds since 1970: bindings end. */
  readonly wall: () => number;
  /** Auth's `iss`. */
  readonly ownIssuer: string;
  readonly tiers: Tiers;
}
