import type { NatsConnection } from "@nats-io/transport-node";
import type { EdgeParts } from "./edge-parts.ts";
import type { SharedParts } from "./open-shared.ts";

/** What every part of a home of an edge is made with. The settings are the home's where they say whom it asks and believes. */
export interface HomeParts extends EdgeParts {
  readonly nats: NatsConnection;
  /** Undefined for the own home. */
  readonly home: string | undefined;
  readonly shared: SharedParts;
}
