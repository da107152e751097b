import type { AppError } from "#shared/errors/app-error.ts";
import type { RequestFacts } from "#shared/log/request-log.ts";
import type { TraceFacts } from "#shared/protocol/traceparent.ts";
import type { Transport } from "#shared/protocol/transports.ts";
import type { BusyReason } from "#shared/protocol/busy-reasons.ts";
import type { Poison } from "../event.ts";
import type { ResumeKind } from "../log/resume.ts";
import type { RecordConnection } from "./connection-record.ts";
import type { TransportObserver } from "../transports/transport-health.ts";
import type { OverloadObserver } from "../overload/overload-guard.ts";

/** By what a stream can be asked about. */
export interface StreamIds {
  readonly connectionId: string;
  /** The id of the request that asked for it. */
  readonly requestId: string;
}

/** What the lines about a stream say of it. */
export interface StreamFacts extends StreamIds, TraceFacts {
  readonly tenant: string;
  readonly subject: string;
  /** The key that signed its token. */
  readonly kid: string;
  /** The outside issuer of its token; undefined for auth. */
  readonly issuer: string | undefined;
  readonly sid: string;
  /** The road that its frames come by; undefined for a callback. */
  readonly transport: Transport | undefined;
  /** The stable id of its tab or device. */
  readonly clientId: string | undefined;
}

/** What the line about a stream's beginning says beside that. */
export interface StreamBeginning extends StreamFacts {
  /** The durable subscription that it delivers. */
  readonly subscription: string | undefined;
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
  readonly traceId: string | undefined;
  /** The id that it goes on behind; undefined where it was not resumed. */
  readonly resumedFrom: string | undefined;
  /** How long it took to be at the end of its log, and past how many entries; undefined where it is not there yet. */
  readonly caughtUpMs?: number;
  readonly caughtUpEntries?: number;
}

/** What was written to a stream. */
export interface Written {
  readonly events: number;
  readonly bytes: number;
}

/** What happened to a durable subscription. `revived`: it was attached after it had expired. */
export const SUBSCRIPTION_CHANGES = [
  "made",
  "changed",
  "paused",
  "resumed",
  "attached",
  "revived",
  "replaced",
  "deleted",
] as const;

export type SubscriptionChange = (typeof SUBSCRIPTION_CHANGES)[number];

/** Which durable subscription. */
export interface SubscriptionFacts {
  readonly tenant: string;
  readonly subject: string;
  readonly name: string;
}

/** Why an event reached nobody: no rule names its type, no stream asks for it, or those that do may not see it. */
export const WITHHELD_REASONS = ["no_rule", "no_listener", "denied"] as const;

export type WithheldReason = (typeof WITHHELD_REASONS)[number];

/** The open streams, counted once a second. */
export interface Census {
  readonly live: number;
  /** All that are open, by the road that their frames come by. */
  readonly byTransport: Readonly<Partial<Record<Transport, number>>>;
  /** Streams that are behind, by what they wait for; `turn` where that is nothing but their turn. */
  readonly behind: Readonly<Record<string, number>>;
  /** The most entries that one of them has before it, and the longest that one has been behind. */
  readonly lagEntries: number;
  readonly lagMs: number;
}

/**
 * Observes the edge; metrics and logs are made from it. A method returns at once, never throws, and changes nothing that
 * the caller can see.
 */
export interface Observer extends OverloadObserver, TransportObserver {
  /** A request for a stream was refused. */
  refused(error: AppError, request: RequestFacts): void;
  /** A request for a stream was turned away before anything of it was read. */
  turnedAway(reason: BusyReason): void;
  /** A stream was accepted. */
  opened(stream: StreamFacts): void;
  /** A reader that was behind became live, after this long. */
  caughtUp(ms: number): void;
  /** Events were written to sockets, each of them counted, in so many bytes. */
  delivered(events: number, bytes: number): void;
  /** A stream's topics were changed; `isKept`: for its client's next streams, too. */
  topicsChanged(isKept: boolean): void;
  /** A client was sent a gap or a reset. */
  noticed(event: "gap" | "reset"): void;
  /** A stream ended after so many seconds; the reason is the one that its client was sent, or `gone`, or `fault`. */
  ended(reason: string, stream: StreamFacts, seconds: number, written: Written): void;
  /** Auth or policy does not answer, and is left alone but for probes; or it answers again. */
  peerSwitched(peer: string, isAway: boolean): void;
  /** So many of the open streams are idle. */
  idle(streams: number): void;
  /** An entry of the log was quarantined. */
  quarantined(poison: Poison): void;
  /** An event was decided from memory: once for each audience, and for each reader that is behind. */
  decided(verdict: "allowed" | "denied"): void;
  /** Policy answered a decision that was not known. */
  decisionAsked(): void;
  /** A call of auth about so many sessions ended, with or without an answer. */
  sessionsAsked(questions: number, seconds: number): void;
  /** An access token was verified; `cached`: it was seen before. */
  tokenVerified(cached: boolean, seconds: number): void;
  /** A feed was disturbed: it inspects its log before it reads on. */
  feedDisturbed(): void;
  /** A run of entries that is gone from the middle of a log was passed. */
  feedHole(): void;
  /** A change of policy took effect here, so many milliseconds after the log had stored it. */
  policyApplied(ms: number): void;
  /** An event went to nobody, because the tenant's event map does not name its type. */
  withoutRule(type: string, tenant: string): void;
  /** An event reached nobody here. */
  withheld(reason: WithheldReason): void;
  /** A stream was sent `ready`, so long after it was asked for. */
  ready(ms: number): void;
  /** A client came back with the id of what it had. */
  resumed(kind: ResumeKind): void;
  /** A stream got its first event, at this age. */
  firstEvent(ms: number): void;
  /** So many events of so many bytes, not coded yet, left together for an audience. */
  flushed(events: number, bytes: number): void;
  /** An event was written to so many live streams, the last of them so long after the log had stored it. */
  deliveredAfter(ms: number, streams: number): void;
  /** An entry was read from its log, so long after the log had stored it. */
  fed(ms: number): void;
  /** A stream whose right was taken away got its last byte, so long after the log had stored that. */
  revoked(ms: number): void;
  /** The open streams were counted. */
  counted(census: Census): void;
  /** A durable subscription was made, changed or deleted by its owner, or attached to a stream. */
  subscriptionChanged(change: SubscriptionChange, subscription: SubscriptionFacts): void;
  /** A stream is at the end of its log for the first time; or has been behind for 5 s, or has ended, and never was. */
  began(stream: StreamBeginning): void;
  /** A stream was accepted, has other topics or rights, or has ended: for the connection log. */
  readonly recorded: RecordConnection;
  /** A failure that nobody expects, of that stream where it is one's. */
  fault(error: unknown, stream?: StreamIds): void;
}
