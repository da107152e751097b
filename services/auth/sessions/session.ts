import type { Scope } from "#shared/protocol/scope.ts";
import type { TenantEnd } from "#shared/contract/revocations.ts";

/** A login: what all tokens of it have in common. Its id is also the family of its refresh tokens. */
export interface Session {
  readonly sid: string;
  readonly tenant: string;
  readonly subject: string;
  readonly clientId: string;
  /** What all its tokens are limited to; undefined where they may do what their subject may. */
  readonly scope?: Scope | undefined;
  /** The name that its owner sees: from the `User-Agent`, or given at the login. */
  readonly device: string;
  /** When the user gave their password, in RFC 3339. */
  readonly loginAt: string;
  /** When it ends at the latest, in milliseconds of auth's clock. */
  readonly endsAt: number;
}

/** A session as it is stored; one that has ended is kept until `endsAt`, so that its tokens stay dead. */
export interface SessionRecord extends Session {
  /** Neither ended nor idle for too long. */
  readonly isLive: boolean;
  /** When it was refreshed or held a stream, in milliseconds of auth's clock; up to a minute behind. */
  readonly lastSeenAt: number;
  /** The generation of its refresh token that was not spent yet. */
  readonly generation: number;
}

/** With less than this left of its absolute lifetime a session is renewed no more: its user has to log in again. */
export const RENEWAL_MARGIN_MS = 300_000;

/** The verdict on a presented refresh token. */
export type RefreshVerdict =
  /** It is the youngest of its family, and can be spent. */
  | "current"
  /** It has been spent: its successor is the next generation. */
  | "rotated"
  /** It was spent a moment ago, or by a request that nobody had an answer to: its successor is the next generation, again. */
  | "repeated"
  /** It was spent before; a session whose token was to be spent is dead from now on, and its end must still be recorded. */
  | "reused"
  /** Its session ended, nobody was seen for too long, or too little of the session's lifetime is left. */
  | "ended"
  | "idle"
  | "lifetime";

/**
 * A refresh token's verdict and session; `unknown` where the store has no such session (any more), or a record of it that auth
 * has not written so.
 */
export type RefreshStanding =
  | { readonly verdict: RefreshVerdict; readonly session: Session }
  | { readonly verdict: "unknown" };

/** What a renewed access token is for: one for streams opens streams and nothing else. */
export type RenewalPurpose = "stream" | "requests";

/** The standing of a refresh token that is to be renewed by. Where it is usable, the renewal that is given. */
export type RenewalStanding = RefreshStanding & {
  /** When the given access token was issued, in milliseconds of the clock of the auth that issued it first. */
  readonly issuedAt: number;
  /** Whether nobody was given it before. */
  readonly isNew: boolean;
};

/** Where sessions are kept. Every method throws AppError `unavailable` when the store does not answer; it may have acted. */
export interface SessionStore {
  create(session: Session): Promise<void>;
  find(sid: string): Promise<SessionRecord | undefined>;
  /** What `rotate` would answer, with `current` for `rotated`. Writes nothing. */
  peek(sid: string, generation: number): Promise<RefreshStanding>;
  /**
   * Spends a generation of the family's refresh tokens, atomically; see the script for the rules. After `unavailable` it may be
   * spent: it then comes back as `repeated`, however late.
   */
  rotate(sid: string, generation: number): Promise<RefreshStanding>;
  /**
   * What `peek` answers, and the renewal for this purpose: a generation has one, which is given again for `againMs`. A token
   * that was spent before ends its family, as `rotate` does.
   */
  renew(
    sid: string,
    generation: number,
    renewal: { readonly purpose: RenewalPurpose; readonly againMs: number },
  ): Promise<RenewalStanding>;
  /** Marks the session ended, after its end was recorded. Idempotent. */
  end(sid: string): Promise<void>;
}

/** Notes that a session is in use. Throws AppError `unavailable` when the store does not answer. */
export interface SessionActivity {
  /** The session as `find` gives it; a live one is seen now, which is written down at most once a minute. */
  touch(sid: string): Promise<SessionRecord | undefined>;
}

/** Finds sessions by subject. Every method throws AppError `unavailable` when the store does not answer. */
export interface SessionIndex {
  /** The live sessions of a subject, youngest first, at most a thousand; behind the first `from` of them, where that is given. */
  ofSubject(tenant: string, subject: string, from?: number): Promise<SessionRecord[]>;
  /** Those of a subject's live sessions beyond so many that end first, twenty at most. */
  beyond(tenant: string, subject: string, most: number): Promise<SessionRecord[]>;
  /** How many sessions have neither ended nor reached the end of their lifetime; idle ones count. */
  count(): Promise<number>;
}

/** The source of truth for revocations. Every method throws AppError `unavailable` when it does not answer. */
export interface Revocations {
  /** Whether all that an end writes was written: the end of the session, or of its tenant since it began. */
  isSettled(tenant: string, sid: string, loginAt: string): Promise<boolean>;
  /** Notes that an end that was recorded is in the tenant's log. Idempotent. */
  settle(tenant: string, sid: string): Promise<void>;
  /** Stores that the session has ended, before it answers. Idempotent. */
  record(tenant: string, sid: string): Promise<void>;
  /**
   * Whether an end was recorded, of the session or of its tenant since the session began; sees everything that was answered
   * before. A session that does not say when it began is taken for an old one.
   */
  includes(tenant: string, sid: string, loginAt: string | undefined): Promise<boolean>;
}

/** Keeps the ends of whole tenants. Both methods throw AppError `unavailable` when the record does not answer. */
export interface TenantEnds {
  find(tenant: string): Promise<TenantEnd | undefined>;
  /** Stores what is newer than what is stored: a higher version, or for the same one `through` a time after `null`. Idempotent. */
  record(tenant: string, end: TenantEnd): Promise<void>;
}
