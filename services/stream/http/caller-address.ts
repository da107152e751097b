import type { IncomingMessage } from "node:http";
import type { BlockList } from "node:net";
import { type ForwardedHeader, networkOfPeer, strangerOf } from "#shared/http/client-address.ts";
import { single } from "#shared/http/single-header.ts";

/** Whose word on the client's address is believed, and where it stands. */
export interface TrustedProxies {
  readonly proxies: BlockList;
  readonly header: ForwardedHeader;
}

/** The address or network that a request counts for; undefined where it is this host's own. */
export function callerAddressOf({ socket, headers }: IncomingMessage, trusted: TrustedProxies): string | undefined {
  const forwarded = {
    "x-forwarded-for": single(headers["x-forwarded-for"]),
    forwarded: headers.forwarded,
  };
  return strangerOf(networkOfPeer(socket.remoteAddress ?? "", forwarded, trusted));
}
