import { isIP } from "node:net";

const POINT = 46;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const LETTER_A = 97;

/** The bit that a small letter has and its capital has not. */
const LOWER_CASE = 0x20;

/** The address `::`. */
const NO_BYTES: readonly number[] = Array.from({ length: 16 }, () => 0);

/** The longest text of an IPv6 address, in characters. */
const MAX_ADDRESS_CHARACTERS = 45;

/** Addresses that begin with the same bits. */
export interface AddressRange {
  /** Four bytes of IPv4, or 16 of IPv6. */
  readonly bytes: readonly number[];
  readonly bits: number;
}

/**
 * The bytes of an IP address; undefined for any other text. An IPv4 address that is written as IPv6 (`::ffff:192.0.2.1`, RFC
 * 4291, section 2.5.5.2) is the IPv4 address.
 */
export function readAddress(text: string): readonly number[] | undefined {
  // isIP takes zones of link-local addresses, which mean something on one host only.
  if (text.length > MAX_ADDRESS_CHARACTERS || text.includes("%")) return undefined;
  const version = isIP(text);
  if (version === 0) return undefined;
  if (version === 4) return bytesOfV4(text);
  const bytes = bytesOfV6(text);
  return isMapped(bytes) ? bytes.slice(12) : bytes;
}

function bytesOfV4(text: string): number[] {
  return text.split(".").map(Number);
}

/**
 * The bytes of a text that is known to be an IPv6 address. A policy may have 16 000 ranges, which an answer has with it: ipaddr.js
 * takes four microseconds for each, and this less than one.
 */
function bytesOfV6(text: string): number[] {
  const bytes: number[] = [];
  let [zerosAt, group, begin] = [-1, 0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === POINT) {
      bytes.push(...bytesOfV4(text.slice(begin)));
      return filled(bytes, zerosAt);
    }
    if (code !== COLON) {
      group = group * 16 + (code <= NINE ? code - ZERO : (code | LOWER_CASE) - LETTER_A + 10);
      continue;
    }
    if (at > begin) bytes.push(group >> 8, group & 0xff);
    else zerosAt = bytes.length;
    [group, begin] = [0, at + 1];
  }
  if (begin < text.length) bytes.push(group >> 8, group & 0xff);
  return filled(bytes, zerosAt);
}

/** Puts as many zeros where `::` stands as are missing. */
function filled(bytes: number[], zerosAt: number): number[] {
  if (zerosAt !== -1) bytes.splice(zerosAt, 0, ...NO_BYTES.slice(bytes.length));
  return bytes;
}

function isMapped(bytes: readonly number[]): boolean {
  return bytes[10] === 0xff && bytes[11] === 0xff && bytes.every((byte, index) => index >= 10 || byte === 0);
}

/** Reads a range such as `10.0.0.0/8` (RFC 4632); undefined where it is none, or bits behind the prefix are set. */
export function readRange(text: string): AddressRange | undefined {
  const [address = "", prefix = "", ...more] = text.split("/");
  const bytes = readAddress(address);
  const bits = Number(prefix);
  if (bytes === undefined || more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(prefix)) return undefined;
  const isWrittenAsV6 = bytes.length === 4 && address.includes(":");
  if (isWrittenAsV6 || bits > bytes.length * 8) return undefined;
  const isClean = bytes.every((byte, index) => (byte & ~maskOf(bits, index) & 0xff) === 0);
  return isClean ? { bytes, bits } : undefined;
}

/** Whether the address is in the range. */
export function isInRange(address: readonly number[], { bytes, bits }: AddressRange): boolean {
  if (address.length !== bytes.length) return false;
  for (let index = 0; index * 8 < bits; index += 1) {
    const mask = maskOf(bits, index);
    if (((address[index] ?? 0) & mask) !== ((bytes[index] ?? 0) & mask)) return false;
  }
  return true;
}

/** The bits of the byte at `index` that belong to a prefix of `bits` bits. */
function maskOf(bits: number, index: number): number {
  const own = Math.min(Math.max(bits - index * 8, 0), 8);
  return (0xff << (8 - own)) & 0xff;
}
