import type { IncomingMessage } from "node:http";
import type { BlockList, Socket } from "node:net";
import { type ForwardedHeader, isProxy, networkOfPeer, networkOfSocket } from "#shared/http/client-address.ts";
import { single } from "./request-token.ts";

/** Whose word on the client's address is believed, and where it stands. */
export interface TrustedProxies {
  readonly proxies: BlockList;
  readonly header: ForwardedHeader;
}

/** The network of `::1`, as addresses are counted. */
const OWN_IPV6 = "0:0:0:0::/64";

/**
 * The address or network that a request counts for; undefined where it is this host's own. A peer on this host is no stranger: it
 * is an operator's program, or a proxy that is not among the trusted ones, and all its clients would be taken for one.
 */
export function callerAddressOf({ socket, headers }: IncomingMessage, trusted: TrustedProxies): string | undefined {
  const forwarded = {
    "x-forwarded-for": single(headers["x-forwarded-for"]),
    forwarded: headers.forwarded,
  };
  return unlessOwn(networkOfPeer(socket.remoteAddress ?? "", forwarded, trusted));
}

/** The same of a connection on which nothing was said yet; undefined, too, where it is a trusted proxy's, whose client is not known. */
export function callerAddressOfSocket(socket: Socket, { proxies }: TrustedProxies): string | undefined {
  return isProxy(socket.remoteAddress ?? "", proxies) ? undefined : unlessOwn(networkOfSocket(socket));
}

function unlessOwn(network: string): string | undefined {
  return network.startsWith("127.") || network === OWN_IPV6 || network === "" ? undefined : network;
}
