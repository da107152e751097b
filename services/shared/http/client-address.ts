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

/** The header in which a proxy says who its client is. */
export type ForwardedHeader = "x-forwarded-for" | "forwarded";

/** The word of these proxies is believed, where it stands in `X-Forwarded-For`. */
export function byForwardedFor(proxies: BlockList): TrustedProxies {
  return { proxies, header: "x-forwarded-for" };
}

/**
 * Where a request comes from, for counting: an IPv4 address, or the /64 of an IPv6 address, which is what one site has. It is
 * the socket's peer; only where that is one of the proxies, the last hop that it wrote into `X-Forwarded-For`.
 */
export function clientAddressOf(c: Context, proxies: BlockList): string {
  const peer = peerOf(c);
  if (!isFromProxy(c, proxies)) return networkOf(peer);
  return networkOf(addressBehind(peer, c.req.header("x-forwarded-for"), "x-forwarded-for"));
}

/** The client's address as it is, for people to read; "" where the socket is gone. */
export function wholeAddressOf(c: Context, { proxies, header }: TrustedProxies): string {
  const peer = peerOf(c);
  return isFromProxy(c, proxies) ? addressBehind(peer, c.req.header(header), header) : peer;
}

/** Whose word on the client's address is believed, and where it stands. */
export interface TrustedProxies {
  readonly proxies: BlockList;
  readonly header: ForwardedHeader;
}

/** The same by a peer's address and the headers of its request, where TLS ends before us. */
export function networkOfPeer(
  address: string,
  headers: Readonly<Record<ForwardedHeader, string | undefined>>,
  trusted: TrustedProxies,
): string {
  return networkOf(addressOfPeer(address, headers, trusted));
}

/** The client's address as it is, for people to read; "" where the socket is gone. */
export function addressOfPeer(
  address: string,
  headers: Readonly<Record<ForwardedHeader, string | undefined>>,
  { proxies, header }: TrustedProxies,
): string {
  const peer = unmapped(address);
  return isProxy(peer, proxies) ? addressBehind(peer, headers[header], header) : peer;
}

/** The network of `::1`, as addresses are counted. */
const OWN_IPV6 = "0:0:0:0::/64";

/**
 * An address as it is counted; undefined where it is this host's own. A peer on this host is no stranger: it is an operator's program,
 * or a proxy that is not among the trusted ones, and all its clients would be taken for one.
 */
export function strangerOf(network: string): string | undefined {
  return network.startsWith("127.") || network === OWN_IPV6 || network === "" ? undefined : network;
}

/** Whether an address is one of the proxies. */
export function isProxy(address: string, proxies: BlockList): boolean {
  const peer = unmapped(address);
  const family = isIP(peer);
  return family !== 0 && proxies.check(peer, family === 6 ? "ipv6" : "ipv4");
}

function addressBehind(peer: string, value: string | undefined, header: ForwardedHeader): string {
  const said = lastOf(value);
  const lastHop = unmapped(withoutPort(header === "forwarded" ? nodeIn(said) : said));
  return isIP(lastHop) === 0 ? peer : lastHop;
}

/** The node in an element of `Forwarded` (RFC 7239, section 6): `for=192.0.2.1`, `for="[2001:db8::1]:4711"`. */
function nodeIn(element: string): string {
  return /(?:^|;)\s*for="?([^";]*)"?\s*(?:;|$)/i.exec(element)?.[1] ?? "";
}

/** The address of a node, which may have a port: Azure's Application Gateway writes ports into `X-Forwarded-For`, too. */
function withoutPort(node: string): string {
  const [, v6, v4] = /^(?:\[([^\]]+)\]|([0-9.]+))(?::[0-9]+)?$/.exec(node) ?? [];
  return v6 ?? v4 ?? node;
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
  return isProxy(peerOf(c), proxies);
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
