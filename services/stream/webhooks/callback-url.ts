import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { z } from "zod";
import { MAX_URL_CHARACTERS } from "#shared/contract/subscription-record.ts";

/** The hosts that an operator lists: they may be within the operator's own network, and be spoken to without TLS. */
export type ListedHosts = ReadonlySet<string>;

/** `host` or `host:port`, with commas between; a host without a port is listed with every port. */
export const listedHostsSchema = z
  .string()
  .default("")
  .transform((text, context): ListedHosts => {
    const entries = text.split(",").flatMap((entry) => entry.trim().toLowerCase() || []);
    if (entries.every((entry) => URL.canParse(`http://${entry}`) && new URL(`http://${entry}`).pathname === "/")) {
      return new Set(entries);
    }
    context.addIssue({ code: "custom", message: "must be hosts such as hooks.internal:8443, with commas between" });
    return z.NEVER;
  });

/** Whether the host of the URL is listed. */
export function isListed(listed: ListedHosts, { hostname, port, protocol }: URL): boolean {
  const defaultPort = protocol === "https:" ? "443" : "80";
  return listed.has(hostname) || listed.has(`${hostname}:${port === "" ? defaultPort : port}`);
}

/**
 * Why a callback address cannot be one; undefined where it can. Only https is spoken to hosts that are not listed, and only to
 * public addresses: what a name stands for is looked at again at each connection.
 */
export function faultOfCallback(text: string, listed: ListedHosts): string | undefined {
  if (text.length > MAX_URL_CHARACTERS) return `it may have ${MAX_URL_CHARACTERS} characters`;
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) return "it must be an https address";
  if (url.username !== "" || url.password !== "") return "it must not hold a password: sign with a secret";
  if (url.hash !== "") return "it must not have a fragment";
  if (isListed(listed, url)) return undefined;
  if (url.protocol !== "https:") return "it must be an https address";
  const address = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return isIP(address) !== 0 && !isPublicAddress(address) ? "it must be a public address" : undefined;
}

/** Global unicast of IPv6 (RFC 4291, section 2.4): what is outside of it reaches nobody, or an IPv4 address in disguise. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR("2000::/3");

/** Whether an IP address is one that anybody's could be: neither private nor special (the registries of RFC 6890). */
export function isPublicAddress(text: string): boolean {
  if (isIP(text) === 0) return false;
  const address = ipaddr.process(text);
  if (address.range() !== "unicast") return false;
  return address instanceof ipaddr.IPv4 || address.match(GLOBAL_IPV6);
}
