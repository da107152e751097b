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
    /** The topics whose presence is watched, where there are some. */
    readonly presence?: readonly TopicGrant[];
  };
  readonly cursor: "";
  readonly gap: { readonly from: string; readonly to: string; readonly reason: string };
  readonly reset: { readonly reason: string };
  readonly subscription: {
    readonly topics: readonly TopicGrant[];
    readonly effectiveFrom: string;
    /** Where it has changed whose presence may be seen. */
    readonly presence?: readonly TopicGrant[];
  };
  readonly presence: {
    readonly topic: string;
    /** Counts the frames of a topic on one stream up by one. */
    readonly seq: number;
    /** `joined` are all who are there: what was known before counts no more. */
    readonly snapshot?: true;
    readonly joined: readonly { readonly subject: string; readonly since: string }[];
    readonly left: readonly string[];
    /** Open connections, in place of people who are too many to be listed. */
    readonly devices?: number;
    /** Some workers have not said who is there. */
    readonly partial: boolean;
  };
  readonly session: { readonly expiresAt: string };
  readonly auth_error: { readonly reason: string };
  readonly degraded: { readonly reason: Awaited };
  /** What delivery waited for. */
  readonly recovered: { readonly reason: Awaited };
  readonly busy: Farewell & { readonly reason: BusyReason; readonly detail: string };
  readonly bye: Farewell;
}

/** A frame of our own. */
export type ControlEvent = keyof ControlData;

/** How long a client is to wait that is told so in the data of a frame, in milliseconds. */
export function retryOf(data: ControlData[ControlEvent]): number | undefined {
  return data !== "" && "retryMs" in data ? data.retryMs : undefined;
}

/** What delivery may wait for: the log, the region where it is written, an answer about rights, or what was missed. */
type Awaited = "authorization" | "history" | "log" | "region";

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
