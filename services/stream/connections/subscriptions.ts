import type { FindEnd } from "../durable/subscription-store.ts";
import type { AttachDeps } from "./attach-hold.ts";
import type { HoldDeps } from "./calls/command-hold.ts";
import type { Holds } from "./holds.ts";

/** The durable subscriptions of a worker. */
export interface Subscriptions extends HoldDeps, AttachDeps {
  readonly holds: Holds;
  readonly findEnd: FindEnd;
  /** How many a person, and a tenant, may have, and how long one may live without a stream. */
  readonly most: { readonly perSubject: number; readonly perTenant: number; readonly ttlSeconds: number };
}
