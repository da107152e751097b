import { AppError } from "#shared/errors/app-error.ts";
import { BEARER, SUBPROTOCOL } from "#shared/protocol/subprotocols.ts";

/** No client offers more; anybody may send 90 KB of them. */
const MAX_OFFERED = 16;

/** A token (RFC 9110, section 5.6.2), as each subprotocol must be. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** The subprotocols that a client offers, as far as they mean something here. */
export interface Subprotocols {
  /** The one that is answered; undefined for a client that offers none. */
  readonly selected: string | undefined;
  readonly bearers: readonly string[];
}

/**
 * Reads a `Sec-WebSocket-Protocol` header.
 * @throws {AppError} `malformed_request` where it is none, or the client would not take a stream's messages.
 */
export function readSubprotocols(header: string | undefined): Subprotocols {
  if (header === undefined) return { selected: undefined, bearers: [] };
  const offered = namesIn(header);
  if (offered.length > MAX_OFFERED)
    throw new AppError("malformed_request", `Sec-WebSocket-Protocol may have ${MAX_OFFERED} names`);
  if (!offered.every((name) => TOKEN.test(name)) || new Set(offered).size < offered.length) {
    throw new AppError("malformed_request", "Sec-WebSocket-Protocol must be a list of different names");
  }
  if (!offered.includes(SUBPROTOCOL)) {
    throw new AppError(
      "malformed_request",
      `offer the subprotocol ${SUBPROTOCOL}, alone or beside others, or none at all`,
    );
  }
  return { selected: SUBPROTOCOL, bearers: bearersAmong(offered) };
}

/** The access tokens in a `Sec-WebSocket-Protocol` header, whatever else is wrong with it. */
export function bearersOffered(header: string | undefined): readonly string[] {
  return header === undefined ? [] : bearersAmong(namesIn(header));
}

/** One more than may be offered, where there are more. */
function namesIn(header: string): string[] {
  return header.split(",", MAX_OFFERED + 1).map((name) => name.trim());
}

function bearersAmong(offered: readonly string[]): string[] {
  return offered.filter((name) => name.startsWith(BEARER)).map((name) => name.slice(BEARER.length));
}
