import type { FindEnd } from "../durable/subscription-store.ts";
import type { AttachDeps } from "./attach-hold.ts";
import type { HoldDeps } from "./calls/command-hold.ts";
import type { Holds } from "./holds.ts";

/** A callback that somebody asks for. */
export interface AskedCallback {
  readonly tenant: string;
  readonly subject: string;
  readonly secretRef: string;
  readonly url: string;
}

/** The durable subscriptions of a worker. */
export interface Subscriptions extends HoldDeps, AttachDeps {
  readonly holds: Holds;
  readonly findEnd: FindEnd;
  /**
   * Has a process that posts webhooks check a callback that somebody asks for.
   * @throws {AppError} `callback_refused` with the reason; `unavailable`.
   */
  readonly checkCallback: (callback: AskedCallback) => Promise<void>;
  /** How many a person, and a tenant, may have, and how long one may live without a stream. */
  readonly most: { readonly perSubject: number; readonly perTenant: number; readonly ttlSeconds: number };
}
