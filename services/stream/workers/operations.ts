import type { Registry } from "prom-client";

/** Answers for operators, of a process that holds streams. */
export interface Operations {
  readonly registry: Registry;
  /** Whether it takes new streams. */
  readonly isReady: () => boolean;
  /** The open streams, with the person and the position of each. */
  readonly connections: () => object[];
}
