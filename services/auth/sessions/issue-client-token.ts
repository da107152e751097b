import { formatScope, type Scope, scopeCovers } from "#shared/protocol/scope.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Clock } from "#shared/time/clock.ts";
import type { Audit } from "../audit/audit.ts";
import type { IssuedTokens, IssueTokens } from "../tokens/issue-tokens.ts";
import type { ClientDirectory, ServiceClient } from "../users/client-directory.ts";
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

/**
 * A secret that a client came with, and what it may mean instead: by RFC 6749 it is form-encoded, and many clients send it as it is. The
 * likelier one is first, as it is verified with each request.
 */
interface PresentedSecret {
  readonly secret: string;
  readonly otherSecret?: string;
}

/** A client and what it proves that with: a secret, or a certificate for its id that was checked when it connected. */
export type PresentedClient = { readonly clientId: string } & (PresentedSecret | { readonly isCertified: true });

/** What a service client proves who it is with, and where it is. */
export type ClientCredentials = PresentedClient & { readonly address: string };

/** Answers the client; throws AppError `bad_credentials`, `too_many_attempts` or `unavailable`. */
export type AuthenticateClient = (credentials: ClientCredentials) => Promise<ServiceClient>;

/**
 * Issues an access token to an authenticated client, with a session of its own that ends with it.
 * @throws {AppError} `scope_invalid` where more is asked for than the client has, `bad_credentials` where its secret has been
 * withdrawn, or `unavailable`.
 */
export type IssueClientToken = (
  client: ServiceClient,
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
  proof: PresentedSecret | { readonly isCertified: true },
  admit: () => Promise<void>,
): Promise<ServiceClient> {
  const clientId = attempt.account;
  if ("isCertified" in proof) {
    const certified = clients.findCertified(clientId);
    if (certified !== undefined) return certified;
    await admit();
    throw new AppError("bad_credentials", "the certificate is for no service client");
  }
  const { secret, otherSecret } = proof;
  for (const text of otherSecret === undefined ? [secret] : [secret, otherSecret]) {
    const client = await clients.authenticate(clientId, text, ownerOf(attempt), admit);
    if (client !== undefined) return client;
  }
  throw new AppError("bad_credentials", "the client id or its secret is wrong");
}

/** The name of a session of a client, by which the sessions of one secret are told apart. */
export function clientDevice(secretNumber: number | undefined): string {
  return secretNumber === undefined ? "service client" : `service client, secret ${secretNumber}`;
}

/** Makes the issuing of tokens to clients. */
export function createClientTokenIssuer(deps: {
  readonly clients: Pick<ClientDirectory, "confirm">;
  readonly sessions: Pick<SessionStore, "create" | "end">;
  readonly issueTokens: IssueTokens;
  readonly audit: Audit;
  readonly accessTokenSeconds: number;
  readonly clock: Clock;
}): IssueClientToken {
  const { clients, sessions } = deps;
  return async (client, { address, scope }) => {
    const { tenant, username: clientId } = client;
    const { session, tokens } = await startSession(deps, client, {
      clientId,
      device: clientDevice(client.secretNumber),
      // A second more than the token, which must not outlive it.
      lifeSeconds: deps.accessTokenSeconds + 1,
      scope: scopeOf(client, scope),
    });
    // Only now: who withdraws the secret after this finds the session, and ends it.
    const isGood = await clients.confirm(client).catch((error: unknown) => error as Error);
    if (isGood !== true) {
      await sessions.end(session.sid);
      throw isGood === false ? new AppError("bad_credentials", "the client id or its secret is wrong") : isGood;
    }
    deps.audit.note({
      event: "client_token",
      tenant,
      subject: clientId,
      sid: session.sid,
      address,
      ...secretOf(client),
    });
    return tokens;
  };
}

function secretOf({ secretNumber: secret }: ServiceClient): { readonly secret?: number } {
  return secret === undefined ? {} : { secret };
}

/** What a token is limited to: no more than what its client is. */
function scopeOf({ scope: granted }: ServiceClient, asked: Scope | undefined): Scope | undefined {
  if (granted === undefined || asked === undefined) return asked ?? granted;
  if (scopeCovers(granted, asked)) return asked;
  throw new AppError("scope_invalid", `the client is limited to "${formatScope(granted)}"; ask for no more than that`);
}
