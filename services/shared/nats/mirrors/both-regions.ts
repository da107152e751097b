import type { JetStreamManager } from "@nats-io/jetstream";

/** JetStream of the region with the mirrors and of the one with their originals, and a clock. */
export interface BothRegions {
  readonly here: JetStreamManager;
  readonly there: JetStreamManager;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
}
