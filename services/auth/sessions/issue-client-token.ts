import { AppError } from "#shared/errors/app-error.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { Audit } from "../audit/audit.ts";
import type { IssuedTokens, IssueTokens } from "../tokens/issue-tokens.ts";
import type { ClientDirectory } from "../users/client-directory.ts";
import type { User } from "../users/user-directory.ts";
import { admitAttempt, type LoginThrottle } from "./login-throttle.ts";
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
export type IssueClientToken = (client: User, origin: { readonly address: string }) => Promise<IssuedTokens>;

/** Clients name no tenant; what stands in its place among the counted attempts is no tenant's name. */
const CLIENTS = "@clients";

/** Makes the authentication of clients, throttled like that of users. */
export function createClientAuthentication(clients: ClientDirectory, throttle: LoginThrottle): AuthenticateClient {
  return async ({ clientId, address, ...proof }) => {
    const attempt = { tenant: CLIENTS, account: clientId, address };
    let isCounted = false;
    const admit = async (): Promise<void> => {
      await admitAttempt(throttle, attempt);
      isCounted = true;
    };
    if ("isCertified" in proof) {
      const client = clients.findCertified(clientId);
      if (client !== undefined) return client;
      await admit();
      throw new AppError("bad_credentials", "the certificate is for no service client");
    }
    const client = await clients.authenticate(clientId, proof.secret, admit);
    if (client === undefined) throw new AppError("bad_credentials", "the client id or its secret is wrong");
    if (isCounted) await throttle.forget(attempt);
    return client;
  };
}

/** Makes the issuing of tokens to clients. */
export function createClientTokenIssuer(path: {
  readonly sessions: SessionStore;
  readonly issueTokens: IssueTokens;
  readonly audit: Audit;
  readonly accessTokenSeconds: number;
  readonly clock: Clock;
}): IssueClientToken {
  return async (client, { address }) => {
    const { tenant, username: clientId } = client;
    // A second more than the token, which is issued a moment later and must not outlive it.
    const lifeSeconds = path.accessTokenSeconds + 1;
    const who = { tenant, subject: clientId, clientId, device: "service client" };
    const session = await startSession(path, who, lifeSeconds);
    path.audit.note({ event: "client_token", tenant, subject: clientId, sid: session.sid, address });
    return path.issueTokens(session, client, 1);
  };
}
