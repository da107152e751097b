import { AppError } from "#shared/errors/app-error.ts";
import type { VerifiedClaims } from "./verified-claims.ts";

/**
 * Refuses a token that a handshake was given by renewal, for everything but a stream: it costs no spent refresh token, so it
 * must not be worth as much as one that does.
 * @throws {AppError} `token_for_streams`, a 401: a refresh gets a token for everything.
 */
export function refuseStreamToken({ purpose }: Pick<VerifiedClaims, "purpose">): void {
  if (purpose === undefined) return;
  throw new AppError("token_for_streams", "this access token opens streams only; refresh to get one for requests");
}
