import type { BusyReason } from "./busy-reasons.ts";

/** The data of each frame of our own, by its event. Events of tenants have a dot in their names, these never do. */
export interface ControlData {
  readonly ready: {
    readonly connectionId: string;
    readonly tenant: string;
    readonly subject: string;
    readonly topics: readonly TopicGrant[];
    readonly expiresAt: string;
    /** For a client id: whether the topics are those that were kept under it. */
    readonly restored?: boolean;
  };
  readonly cursor: "";
  readonly gap: { readonly from: string; readonly to: string; readonly reason: string };
  readonly reset: { readonly reason: string };
  readonly subscription: { readonly topics: readonly TopicGrant[]; readonly effectiveFrom: string };
  readonly session: { readonly expiresAt: string };
  readonly auth_error: { readonly reason: string };
  readonly degraded: { readonly reason: string };
  readonly recovered: { readonly reason: string };
  readonly busy: Farewell & { readonly reason: BusyReason; readonly detail: string };
  readonly bye: Farewell;
}

/** A frame of our own. */
export type ControlEvent = keyof ControlData;

/** A topic pattern of a subscription, and whether any event under it could be delivered. */
interface TopicGrant {
  readonly topic: string;
  readonly granted: boolean;
}

/** A stream ends, and the client is to come back after a while. */
interface Farewell {
  readonly reason: string;
  readonly retryMs: number;
}
