import { AppError } from "#shared/errors/app-error.ts";
import type { VerifiedClaims } from "./verified-claims.ts";

/** What a token is presented for: a request, opening a stream, or a call about the stream of this connection id. */
export type TokenUse = "request" | "stream" | { readonly connectionId: string };

/** The claims that say what else than requests a token is good for. */
type UseClaims = Pick<VerifiedClaims, "purpose" | "context_id">;

/**
 * Refuses a token for what it is not good for. One that a handshake was given by renewal is for streams only: it costs no spent
 * refresh token, so it must not be worth as much as one that does. One that is bound to a stream is for calls about that one.
 * @throws {AppError} `token_for_streams` or `token_bound`, both 401: a refresh gets a token for everything.
 */
export function requireUse(claims: UseClaims, use: TokenUse): void {
  if (isForStreamsAlone(claims, use))
    throw new AppError("token_for_streams", "this access token opens streams only; refresh to get one for requests");
  if (!isFor(claims, use))
    throw new AppError(
      "token_bound",
      "this access token is good for calls about one stream only; refresh to get another",
    );
}

/** Whether a token is good for that, as `requireUse` has it. */
export function isFor(claims: UseClaims, use: TokenUse): boolean {
  const connectionId = typeof use === "object" ? use.connectionId : undefined;
  const isBoundElsewhere = claims.context_id !== undefined && claims.context_id !== connectionId;
  return !isForStreamsAlone(claims, use) && !isBoundElsewhere;
}

function isForStreamsAlone({ purpose }: UseClaims, use: TokenUse): boolean {
  return purpose !== undefined && use === "request";
}
