import type { CallContext } from "#shared/async/call-context.ts";

/** The roles and groups that somebody has. */
export interface Rights {
  readonly roles: readonly string[];
  readonly groups: readonly string[];
}

/** A session, as an access token of auth's names it. */
export interface SessionOfToken {
  readonly tenant: string;
  readonly sid: string;
  readonly subject: string;
  /** The token's `exp`, in seconds since 1970. */
  readonly tokenExpiresAt: number;
  readonly loginAt: string | undefined;
  /** The key that signed the token, for who cannot know which are withdrawn. */
  readonly kid?: string | undefined;
}

/** The sessions that auth keeps. */
export interface SessionRights {
  /**
   * The rights that the session's person has now, for the request that is given. The question goes out after the call, so the answer has everything that
   * was acknowledged before it.
   * @throws {AppError} `session_ended`, `token_expired`, or `unavailable`: not known.
   */
  rightsOf(session: SessionOfToken, context?: CallContext): Promise<Rights>;
}

/** The rights that somebody has at auth now; undefined where auth knows nobody of that name. Throws AppError `unavailable`. */
export type FindRights = (tenant: string, subject: string) => Promise<Rights | undefined>;
