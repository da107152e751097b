import { AppError } from "#shared/errors/app-error.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { Audit } from "../audit/audit.ts";
import type { IssuedTokens, IssueTokens } from "../tokens/issue-tokens.ts";
import type { UserDirectory } from "../users/user-directory.ts";
import { admitAttempt, type LoginThrottle } from "./login-throttle.ts";
import type { Revocations, Session, SessionStore } from "./session.ts";
import { startSession } from "./start-session.ts";

/** What a person proves who they are with. */
export interface Credentials {
  readonly tenant: string;
  readonly username: string;
  readonly password: string;
}

/** Where a login comes from: an address, and what to call the session. */
export interface LoginOrigin {
  readonly address: string;
  readonly device: string;
}

/**
 * Starts a session and issues its first tokens.
 * @throws {AppError} `bad_credentials`, `too_many_attempts` or `unavailable`.
 */
export type LogIn = (credentials: Credentials, origin: LoginOrigin) => Promise<IssuedTokens>;

interface LoginPath {
  readonly throttle: LoginThrottle;
  readonly users: UserDirectory;
  readonly sessions: SessionStore;
  readonly revocations: Pick<Revocations, "includes">;
  readonly issueTokens: IssueTokens;
  readonly audit: Audit;
  readonly sessionSeconds: number;
  readonly clock: Clock;
}

/** The client that people who log in with a password use. */
const WEB_CLIENT = "web";

/** Makes the login: throttle, password, session, tokens. */
export function createLogIn(path: LoginPath): LogIn {
  const { throttle, users, sessions, issueTokens, audit, sessionSeconds } = path;
  return async ({ tenant, username, password }, { address, device }) => {
    const attempt = { tenant, account: username, address };
    await admitAttempt(throttle, attempt);
    const user = await users.authenticate(tenant, username, password);
    const entry = { tenant, subject: username, address };
    if (user === undefined) {
      audit.note({ event: "login_refused", ...entry, reason: "bad_credentials" });
      throw badCredentials();
    }
    await throttle.forget(attempt);
    const who = { tenant, subject: username, clientId: WEB_CLIENT, device };
    const session = await startSession(path, who, sessionSeconds);
    // Disabled since the password was checked: whoever ended this user's sessions may have looked before this one was there.
    const present = users.find(tenant, username);
    if (present === undefined || (await isBornDead(path, session))) {
      await sessions.end(session.sid);
      throw badCredentials();
    }
    audit.note({ event: "login", ...entry, sid: session.sid, device });
    return issueTokens(session, present, 1);
  };
}

/** Whether the tenant is deleted. Where that cannot be read nobody is kept out: whoever checks the session will ask again. */
function isBornDead({ revocations }: LoginPath, { tenant, sid, loginAt }: Session): Promise<boolean> {
  return revocations.includes(tenant, sid, loginAt).catch(() => false);
}

function badCredentials(): AppError {
  return new AppError("bad_credentials", "tenant, username or password is wrong");
}
