import type { ReadinessReason } from "#shared/lifecycle/readiness.ts";
import type { Registry } from "prom-client";

/** Answers for operators, of a process that holds streams. */
export interface Operations {
  readonly registry: Registry;
  /** Why it takes no new streams; nothing where it does. */
  readonly reasons: () => Promise<readonly ReadinessReason[]>;
  /** The open streams, with the person and the position of each. */
  readonly connections: () => Promise<object[]>;
}
