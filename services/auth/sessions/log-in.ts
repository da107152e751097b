import { randomBytes } from "node:crypto";
import { AppError } from "#shared/errors/app-error.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { IssuedTokens, IssueTokens } from "../tokens/issue-tokens.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import type { Session, SessionStore } from "./session.ts";

/** What a person proves who they are with. */
export interface Credentials {
  readonly tenant: string;
  readonly username: string;
  readonly password: string;
}

/** Counts attempts at an account. Both methods throw AppError `unavailable` when the count cannot be had. */
export interface LoginThrottle {
  /** Counts an attempt before it is made, so that many at once cannot slip through; whether it may be made. */
  admit(tenant: string, username: string): Promise<boolean>;
  /** Forgets the attempts after one that succeeded. */
  forget(tenant: string, username: string): Promise<void>;
}

/**
 * Starts a session and issues its first tokens.
 * @throws {AppError} `bad_credentials`, `too_many_attempts` or `unavailable`.
 */
export type LogIn = (credentials: Credentials) => Promise<IssuedTokens>;

interface LoginPath {
  readonly throttle: LoginThrottle;
  readonly users: UserDirectory;
  readonly sessions: SessionStore;
  readonly issueTokens: IssueTokens;
  readonly sessionSeconds: number;
  readonly clock: Clock;
}

/** The client that people who log in with a password use. */
const WEB_CLIENT = "web";

/** Makes the login: throttle, password, session, tokens. */
export function createLogIn({ throttle, users, sessions, issueTokens, sessionSeconds, clock }: LoginPath): LogIn {
  return async ({ tenant, username, password }) => {
    if (!(await throttle.admit(tenant, username))) {
      throw new AppError("too_many_attempts", "too many attempts at this account; wait a few minutes");
    }
    const user = await users.authenticate(tenant, username, password);
    if (user === undefined) throw new AppError("bad_credentials", "tenant, username or password is wrong");
    await throttle.forget(tenant, username);
    const now = clock.wall();
    const session: Session = {
      sid: randomBytes(16).toString("base64url"),
      tenant,
      subject: username,
      clientId: WEB_CLIENT,
      loginAt: new Date(now).toISOString(),
      endsAt: now + sessionSeconds * 1000,
    };
    await sessions.create(session);
    return issueTokens(session, user, 1);
  };
}
