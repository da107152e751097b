import type { Registry } from "prom-client";

/** What a process that holds streams tells operators of itself. */
export interface Operations {
  readonly registry: Registry;
  /** Whether it takes new streams. */
  readonly isReady: () => boolean;
  /** Who is connected, and where each stream stands. */
  readonly connections: () => object[];
}
