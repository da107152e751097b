import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Context } from "hono";
import {
  addressOfPeer,
  type ForwardedHeader,
  isProxy,
  networkOfPeer,
  networkOfSocket,
  strangerOf,
  type TrustedProxies,
} from "#shared/http/client-address.ts";
import { single } from "#shared/http/single-header.ts";

/**
 * The address or network that a request counts for; undefined where it is this host's own. A peer on this host is no stranger: it
 * is an operator's program, or a proxy that is not among the trusted ones, and all its clients would be taken for one.
 */
export function callerAddressOf(request: IncomingMessage, trusted: TrustedProxies): string | undefined {
  return strangerOf(networkOfPeer(request.socket.remoteAddress ?? "", forwardedIn(request), trusted));
}

/** The same of a call of the API. */
export function addressOfCall(c: Context, trusted: TrustedProxies): string | undefined {
  return callerAddressOf((c.env as { readonly incoming: IncomingMessage }).incoming, trusted);
}

/** The address of a request's client as it is, for operators to read; "" where the client is gone. */
export function wholeAddressOf(request: IncomingMessage, trusted: TrustedProxies): string {
  return addressOfPeer(request.socket.remoteAddress ?? "", forwardedIn(request), trusted);
}

function forwardedIn({ headers }: IncomingMessage): Record<ForwardedHeader, string | undefined> {
  return { "x-forwarded-for": single(headers["x-forwarded-for"]), forwarded: headers.forwarded };
}

/** The same of a connection on which nothing was said yet; undefined, too, where it is a trusted proxy's, whose client is not known. */
export function callerAddressOfSocket(socket: Socket, { proxies }: TrustedProxies): string | undefined {
  return isProxy(socket.remoteAddress ?? "", proxies) ? undefined : strangerOf(networkOfSocket(socket));
}
