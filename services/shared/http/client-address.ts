import type { Socket } from "node:net";
import { BlockList, isIP } from "node:net";
import { TLSSocket } from "node:tls";
import type { Context } from "hono";
import ipaddr from "ipaddr.js";
import { z } from "zod";

/** Addresses and CIDR ranges of proxies, comma-separated in the environment. */
export const proxiesSchema = z
  .string()
  .default("")
  .transform((text, context) => {
    const proxies = new BlockList();
    const entries = text.split(",").map((entry) => entry.trim());
    for (const entry of entries.filter((each) => each !== "")) {
      if (!addTo(proxies, entry)) context.addIssue({ code: "custom", message: `${entry} is no address or CIDR range` });
    }
    return proxies;
  });

/**
 * Where a request comes from, for counting: an IPv4 address, or the /64 of an IPv6 address, which is what one site has. It is
 * the socket's peer; only where that is one of the proxies, the last hop that it wrote into `X-Forwarded-For`.
 */
export function clientAddressOf(c: Context, proxies: BlockList): string {
  const peer = peerOf(c);
  if (!isFromProxy(c, proxies)) return networkOf(peer);
  const lastHop = unmapped(lastOf(c.req.header("x-forwarded-for")));
  return networkOf(isIP(lastHop) === 0 ? peer : lastHop);
}

/** Where a connection comes from, for counting: its peer's IPv4 address, or the /64 of its IPv6 address. */
export function networkOfSocket({ remoteAddress = "" }: Socket): string {
  return networkOf(unmapped(remoteAddress));
}

/** The host that the client asked: `Host`; only from one of the proxies, the last that it wrote into `X-Forwarded-Host`. */
export function hostOf(c: Context, proxies: BlockList): string {
  const forwarded = isFromProxy(c, proxies) ? lastOf(c.req.header("x-forwarded-host")) : "";
  return forwarded === "" ? (c.req.header("host") ?? "") : forwarded;
}

function isFromProxy(c: Context, proxies: BlockList): boolean {
  // A proxy passes TLS through: the client wrote this request's headers.
  if (socketOf(c) instanceof TLSSocket) return false;
  const peer = peerOf(c);
  const family = isIP(peer);
  return family !== 0 && proxies.check(peer, family === 6 ? "ipv6" : "ipv4");
}

function peerOf(c: Context): string {
  return unmapped(socketOf(c).remoteAddress ?? "");
}

function socketOf(c: Context): Socket {
  const { incoming } = c.env as { readonly incoming: { readonly socket: Socket } };
  return incoming.socket;
}

function lastOf(header: string | undefined): string {
  return header?.split(",").at(-1)?.trim() ?? "";
}

/** An IPv4 address as it is, an IPv6 address as its /64; other text as it is. */
function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const groups = ipaddr.IPv6.parse(address).parts.slice(0, 4);
  return `${groups.map((group) => group.toString(16)).join(":")}::/64`;
}

/** A dual-stack socket reports IPv4 peers as `::ffff:192.0.2.1`. */
function unmapped(address: string): string {
  return isIP(address) === 6 ? ipaddr.process(address).toString() : address;
}

function addTo(proxies: BlockList, entry: string): boolean {
  const family = isIP(entry.split("/")[0] ?? "");
  if (family === 0 || (entry.includes("/") && !ipaddr.isValidCIDR(entry))) return false;
  const [address, prefix] = ipaddr.parseCIDR(entry.includes("/") ? entry : `${entry}/${family === 6 ? 128 : 32}`);
  proxies.addSubnet(address.toString(), prefix, family === 6 ? "ipv6" : "ipv4");
  return true;
}
