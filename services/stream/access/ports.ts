import type { CallContext } from "#shared/async/call-context.ts";
import type { Version } from "#shared/contract/version.ts";
import type { Scope } from "#shared/protocol/scope.ts";
import type { VerifiedClaims } from "#shared/tokens/verified-claims.ts";
import type { TenantLimits } from "../admission/tenant-limits.ts";
import type { TopicRules } from "./residual.ts";

/** A person's session as the edge asks about it. */
export interface SessionQuestion {
  /** The connection, or its rebind, that asks. The answer counts for that one and no other. */
  readonly contextId: string;
  readonly tenant: string;
  readonly sid: string;
  readonly subject: string;
  /** The access token's `exp`, seconds since 1970. */
  readonly tokenExpiresAt: number;
  /** When the session began: its tenant may have been deleted and made anew since. */
  readonly loginAt?: string | undefined;
  /** Asks for another access token's life. */
  readonly extend: boolean;
  /** The session is an outside issuer's, of which auth knows nothing. */
  readonly isOutside?: boolean;
}

/**
 * What auth says of a session. `remainingMs` counts from the question on, by auth's clock; `present` are the person's
 * claims now, where auth knows them.
 */
export type SessionAnswer =
  | {
      readonly state: "live";
      readonly remainingMs: number;
      /** The session cannot be prolonged: no later question gets a later end. */
      readonly isFinal: boolean;
      readonly present?: PresentClaims;
    }
  | { readonly state: "expired" }
  | { readonly state: "revoked" };

/** The roles and groups of a person. */
export interface PresentClaims {
  readonly roles: readonly string[];
  readonly groups: readonly string[];
}

/** Asks auth whether sessions live, for the request that is given. Safe to repeat. Throws AppError `unavailable` when there is no answer in time: not known. */
export interface SessionChecker {
  check(question: SessionQuestion, context?: CallContext): Promise<SessionAnswer>;
}

/** An access token that is good for calls about one stream alone. */
export interface BoundToken {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
}

/**
 * Asks auth for a token that is bound to a stream, in place of one whose session lives. Safe to repeat.
 * @throws {AppError} `session_ended`; `unavailable` when there is no answer in time.
 */
export type BindToken = (accessToken: string, connectionId: string, context?: CallContext) => Promise<BoundToken>;

/** A subject with its roles and groups. */
export interface Subject extends PresentClaims {
  readonly id: string;
  /** What the token says of the person, by name; undefined where it says nothing. */
  readonly attributes?: VerifiedClaims["attributes"];
  /** The token's outside issuer: the tenant says whether its roles and groups count. Undefined for auth's. */
  readonly issuer?: string | undefined;
  /** What the token is limited to; undefined where it may do what its person may. */
  readonly scope?: Scope | undefined;
}

/** An event type pattern and the permission it needs; the first match wins. */
export interface EventRule {
  readonly pattern: string;
  readonly permission: string;
}

export interface ResolveAnswer {
  readonly version: Version;
  readonly grant: {
    readonly id: string;
    readonly roles: readonly string[];
    /** How long it lasts from the asking, where a binding that it rests on ends. */
    readonly remainingMs?: number | undefined;
  };
  readonly eventMap: readonly EventRule[];
  readonly limits: TenantLimits;
}

export interface DecideAnswer {
  readonly version: Version;
  /** One object for equal rules in many cases. */
  readonly rules: TopicRules;
}

/**
 * Asks policy, for the request that is given. Both calls are safe to repeat, and answer with at least the version asked for (without one: with what the
 * store holds right now). They throw AppError `tenant_unknown`, `tenant_suspended`, or `unavailable` when there is no answer in time.
 */
export interface Decider {
  resolve(
    tenant: string,
    subject: Subject,
    atLeast: Version | undefined,
    context?: CallContext,
  ): Promise<ResolveAnswer>;
  decide(
    tenant: string,
    grant: string,
    permission: string,
    atLeast: Version | undefined,
    context?: CallContext,
  ): Promise<DecideAnswer>;
}
