import type { IncomingMessage } from "node:http";
import type { Hono } from "hono";
import { hintedIssuer, issuerIn } from "#shared/homes/home-of-token.ts";
import { bearersOffered } from "../websocket/subprotocols.ts";
import type { PollRoute } from "./poll-route.ts";
import type { RebindRoute } from "./rebind-route.ts";

/** The way into a home: its streams and polls, and everything else that its people may call. */
export interface Door {
  readonly route: PollRoute;
  readonly api: Hono;
  /** For a caller whose token stands in a body. */
  readonly rebind: RebindRoute;
}

/** The door of the home that a token's issuer belongs to; undefined where no home knows it. */
export type DoorOfIssuer = (issuer: string) => Door | undefined;

/**
 * Picks the door for a request by the issuer that its explicit token names, which that home then verifies. Cookies, opaque tokens and
 * requests without any go to the own home.
 */
export function pickDoor(request: IncomingMessage, own: Door, doorOf: DoorOfIssuer): Door {
  const issuer = hintedIssuer(request.headersDistinct) ?? issuerIn(bearerOf(request));
  return (issuer === undefined ? undefined : doorOf(issuer)) ?? own;
}

function bearerOf({ headers }: IncomingMessage): string | undefined {
  return bearersOffered(headers["sec-websocket-protocol"])[0];
}
