/** The first bytes of a header of the PROXY protocol, version 2. */
const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

/** The signature, the command, the family and the length. */
const FIXED_BYTES = 16;

/** Addresses take 36 bytes; what proxies add of TLS and of themselves is a few hundred. */
const MAX_BYTES = 4_096;

const LOCAL = 0x20;
const PROXY = 0x21;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;

/** A header that is whole: its length, and the client's address, undefined where the proxy speaks for itself. */
export interface ProxyHeader {
  readonly length: number;
  readonly client: string | undefined;
}

/**
 * Reads the header with which a proxy begins a connection (haproxy.org, proxy-protocol.txt, section 2.2). Another version, another
 * transport than TCP, and a header of more than 4 096 bytes are invalid.
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | "incomplete" | "invalid" {
  const seen = Math.min(bytes.length, SIGNATURE.length);
  if (bytes.compare(SIGNATURE, 0, seen, 0, seen) !== 0) return "invalid";
  if (bytes.length < FIXED_BYTES) return "incomplete";
  const [command, family] = [bytes[12], bytes[13]];
  const length = FIXED_BYTES + bytes.readUInt16BE(14);
  if (length > MAX_BYTES || (command !== LOCAL && command !== PROXY)) return "invalid";
  if (bytes.length < length) return "incomplete";
  if (command === LOCAL) return { length, client: undefined };
  const addresses = bytes.subarray(FIXED_BYTES, length);
  if (family === TCP_OVER_IPV4 && addresses.length >= 12) return { length, client: addresses.subarray(0, 4).join(".") };
  if (family === TCP_OVER_IPV6 && addresses.length >= 36) return { length, client: formatIpv6(addresses) };
  return "invalid";
}

function formatIpv6(bytes: Buffer): string {
  return Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16)).join(":");
}
