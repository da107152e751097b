import type { Registry } from "prom-client";

/** What operators can ask of a process that holds streams. */
export interface Operations {
  readonly registry: Registry;
  /** Whether it takes new streams. */
  readonly isReady: () => boolean;
  /** Who is connected, and the position of each stream. */
  readonly connections: () => object[];
}
