import type { ReadinessReason } from "#shared/lifecycle/readiness.ts";
import type { CountedMetric } from "#shared/metrics/format-metrics.ts";

/** What the primary asks a worker, and what the worker answers. */
export interface WorkerAnswers {
  reasons: readonly ReadinessReason[];
  metrics: CountedMetric[];
  connections: object[];
}

/** A question of the primary; `id` is repeated in its answer. */
export interface WorkerQuestion {
  readonly id: number;
  readonly ask: keyof WorkerAnswers;
}

/** What a worker sends: that it takes streams, or the answer to a question. */
export type WorkerMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "answer"; readonly id: number; readonly answer: unknown };
