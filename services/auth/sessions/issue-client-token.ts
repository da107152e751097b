import type { Scope } from "#shared/protocol/scope.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { Audit } from "../audit/audit.ts";
import type { IssuedTokens, IssueTokens } from "../tokens/issue-tokens.ts";
import type { ClientDirectory } from "../users/client-directory.ts";
import type { User } from "../users/user-directory.ts";
import {
  admitAttempt,
  discountUnavailable,
  forgetSuccess,
  type LoginAttempt,
  type LoginThrottle,
  ownerOf,
} from "./login-throttle.ts";
import type { SessionStore } from "./session.ts";
import { startSession } from "./start-session.ts";

/** A client and what it proves that with: a secret, or a certificate for its id that was checked when it connected. */
export type PresentedClient = { readonly clientId: string } & (
  | { readonly secret: string }
  | { readonly isCertified: true }
);

/** What a service client proves who it is with, and where it is. */
export type ClientCredentials = PresentedClient & { readonly address: string };

/** Answers the client; throws AppError `bad_credentials`, `too_many_attempts` or `unavailable`. */
export type AuthenticateClient = (credentials: ClientCredentials) => Promise<User>;

/** Issues an access token to an authenticated client, with a session of its own that ends with it. */
export type IssueClientToken = (
  client: User,
  request: { readonly address: string; readonly scope?: Scope | undefined },
) => Promise<IssuedTokens>;

/** Clients name no tenant; their attempts are counted under this word, which is no tenant's name. */
const CLIENTS = "@clients";

/** Makes the authentication of clients, throttled like that of users. */
export function createClientAuthentication(clients: ClientDirectory, throttle: LoginThrottle): AuthenticateClient {
  return async ({ clientId, address, ...proof }) => {
    const attempt = { tenant: CLIENTS, account: clientId, address };
    let isCounted = false;
    const admit = (): Promise<void> => {
      isCounted = true;
      return admitAttempt(throttle, attempt);
    };
    try {
      const client = await prove(clients, attempt, proof, admit);
      if (isCounted) await forgetSuccess(throttle, attempt);
      return client;
    } catch (error) {
      if (isCounted) discountUnavailable(throttle, attempt, error);
      throw error;
    }
  };
}

async function prove(
  clients: ClientDirectory,
  attempt: LoginAttempt,
  proof: { readonly secret: string } | { readonly isCertified: true },
  admit: () => Promise<void>,
): Promise<User> {
  const clientId = attempt.account;
  if ("isCertified" in proof) {
    const certified = clients.findCertified(clientId);
    if (certified !== undefined) return certified;
    await admit();
    throw new AppError("bad_credentials", "the certificate is for no service client");
  }
  const client = await clients.authenticate(clientId, proof.secret, ownerOf(attempt), admit);
  if (client !== undefined) return client;
  throw new AppError("bad_credentials", "the client id or its secret is wrong");
}

/** Makes the issuing of tokens to clients. */
export function createClientTokenIssuer(deps: {
  readonly sessions: Pick<SessionStore, "create" | "end">;
  readonly issueTokens: IssueTokens;
  readonly audit: Audit;
  readonly accessTokenSeconds: number;
  readonly clock: Clock;
}): IssueClientToken {
  return async (client, { address, scope }) => {
    const { tenant, username: clientId } = client;
    // A second more than the token, which must not outlive it.
    const lifeSeconds = deps.accessTokenSeconds + 1;
    const { session, tokens } = await startSession(deps, client, {
      clientId,
      device: "service client",
      lifeSeconds,
      scope,
    });
    deps.audit.note({ event: "client_token", tenant, subject: clientId, sid: session.sid, address });
    return tokens;
  };
}
