import type { Scope } from "#shared/protocol/scope.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Clock } from "#shared/time/clock.ts";
import { UNKNOWN_TENANT } from "#shared/contract/audit-log.ts";
import type { Keys } from "../keys/open-keys.ts";
import type { Audit } from "../audit/audit.ts";
import type { IssuedTokens, IssueTokens } from "../tokens/issue-tokens.ts";
import { macOf } from "../tokens/mac.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import {
  admitAttempt,
  discountUnavailable,
  forgetSuccess,
  type LoginAttempt,
  type LoginThrottle,
  ownerOf,
} from "./login-throttle.ts";
import type { RevokeSession } from "./revoke-session.ts";
import type { Revocations, Session, SessionIndex, SessionStore } from "./session.ts";
import { type StartedSession, startSession } from "./start-session.ts";

/** What a person proves who they are with. */
export interface Credentials {
  readonly tenant: string;
  readonly username: string;
  readonly password: string;
  /** What the session's tokens shall be limited to. */
  readonly scope?: Scope | undefined;
}

/** Where a login comes from: an address, and what to call the session. */
export interface LoginOrigin {
  readonly address: string;
  readonly device: string;
  /** The id of a browser on which this account has logged in before. */
  readonly knownDevice?: string | undefined;
}

/**
 * Starts a session and issues its first tokens.
 * @throws {AppError} `bad_credentials`, `too_many_attempts` or `unavailable`.
 */
export type LogIn = (credentials: Credentials, origin: LoginOrigin) => Promise<IssuedTokens>;

interface LogInDeps {
  readonly throttle: LoginThrottle;
  readonly users: Pick<UserDirectory, "find" | "authenticate" | "knows">;
  readonly keys: Pick<Keys, "refresh">;
  readonly sessions: Pick<SessionStore, "create" | "end"> & Pick<SessionIndex, "beyond">;
  readonly revocations: Pick<Revocations, "includes">;
  readonly revoke: RevokeSession;
  readonly issueTokens: IssueTokens;
  readonly audit: Audit;
  readonly sessionSeconds: number;
  readonly clock: Clock;
}

/** The client that people who log in with a password use. */
const WEB_CLIENT = "web";

/** Who logs in again and again, as a script does for each request, must not fill the store of all tenants. */
const MAX_SESSIONS = 1_000;

/** Makes the login: throttle, password, tokens, session. */
export function createLogIn(deps: LogInDeps): LogIn {
  const { throttle, users, sessions, audit } = deps;
  return async (credentials, { address, device, knownDevice }) => {
    const { tenant, username } = credentials;
    const attempt = { tenant, account: username, address, device: knownDevice };
    const { session, tokens } = await attemptLogIn(deps, credentials, attempt, device).catch((error: unknown) => {
      discountUnavailable(throttle, attempt, error);
      throw error;
    });
    await forgetSuccess(throttle, attempt);
    // Disabled since the password check: the end of this user's sessions may have missed this one.
    if (users.find(tenant, username) === undefined || (await isBornDead(deps, session))) {
      await sessions.end(session.sid);
      throw badCredentials();
    }
    audit.note({ event: "login", tenant, subject: username, address, sid: session.sid, device });
    // Those that cannot be ended now are so at the next login.
    await endBeyond(deps, session).catch(() => undefined);
    return tokens;
  };
}

async function attemptLogIn(
  deps: LogInDeps,
  { tenant, username, password, scope }: Credentials,
  attempt: LoginAttempt,
  device: string,
): Promise<StartedSession> {
  const { throttle, users, audit, sessionSeconds: lifeSeconds } = deps;
  await admitAttempt(throttle, attempt);
  const user = await users.authenticate(tenant, username, password, ownerOf(attempt));
  if (user !== undefined) return startSession(deps, user, { clientId: WEB_CLIENT, device, lifeSeconds, scope });
  audit.note({ event: "login_refused", ...namedAs(deps, { tenant, username }), address: attempt.address });
  throw badCredentials();
}

/**
 * How the trail names whoever was refused. Where there is no such user, what was typed may be a password: a keyed hash stands
 * for it, by which alone two entries can be told to be about the same text. A tenant that nobody is of is not named either.
 */
function namedAs({ users, keys }: LogInDeps, { tenant, username }: Pick<Credentials, "tenant" | "username">) {
  const known = users.knows(tenant, username);
  if (known.user) return { tenant, subject: username, reason: "bad_credentials" };
  const typed = macOf(`typed.${tenant}.${username}`, keys.refresh[0]);
  const of = known.tenant ? tenant : UNKNOWN_TENANT;
  return { tenant: of, typed: typed.slice(0, 16), reason: "unknown_user" };
}

/** A person has so many sessions: beyond that, those that end first end now. */
async function endBeyond({ sessions, revoke }: LogInDeps, { tenant, subject }: Session): Promise<void> {
  const beyond = await sessions.beyond(tenant, subject, MAX_SESSIONS);
  await Promise.all(beyond.map((session) => revoke(session, { reason: "too_many" })));
}

/** Whether the tenant is deleted. If that cannot be read, the login goes on: each check of the session asks again. */
function isBornDead({ revocations }: LogInDeps, { tenant, sid, loginAt }: Session): Promise<boolean> {
  return revocations.includes(tenant, sid, loginAt).catch(() => false);
}

function badCredentials(): AppError {
  return new AppError("bad_credentials", "tenant, username or password is wrong");
}
