import { crc32 } from "node:zlib";

/** 32 bits of a message's time of storage in base 36: another message under the same sequence has another tag. */
export function tagOf(storedAtNanos: bigint): string {
  return crc32(storedAtNanos.toString()).toString(36);
}

/** Nanoseconds since 1970 of the timestamps that JetStream writes (RFC 3339 with up to nine decimals). */
export function nanosOf(timestamp: string): bigint {
  const [, seconds = "", fraction = "", zone = "Z"] = /^([^.Z+]+)(?:\.(\d+))?(.*)$/.exec(timestamp) ?? [];
  return BigInt(Date.parse(`${seconds}${zone}`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0").slice(0, 9));
}
