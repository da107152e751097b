import { AppError } from "#shared/errors/app-error.ts";
import type { VerifiedClaims } from "./verified-claims.ts";

/** What a token is presented for: a request, opening a stream, or a call about the stream of this connection id. */
export type TokenUse = "request" | "stream" | { readonly connectionId: string };

/**
 * Refuses a token for what it is not good for. One that a handshake was given by renewal is for streams only: it costs no spent
 * refresh token, so it must not be worth as much as one that does. One that is bound to a stream is for calls about that one.
 * @throws {AppError} `token_for_streams` or `token_bound`, both 401: a refresh gets a token for everything.
 */
export function requireUse(
  { purpose, context_id }: Pick<VerifiedClaims, "purpose" | "context_id">,
  use: TokenUse,
): void {
  if (purpose !== undefined && use === "request")
    throw new AppError("token_for_streams", "this access token opens streams only; refresh to get one for requests");
  const connectionId = typeof use === "object" ? use.connectionId : undefined;
  if (context_id !== undefined && context_id !== connectionId)
    throw new AppError(
      "token_bound",
      "this access token is good for calls about one stream only; refresh to get another",
    );
}
