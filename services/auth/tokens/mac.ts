import { createHmac, timingSafeEqual } from "node:crypto";

/** HMAC-SHA-256 of a text, in base64url: 43 characters. */
export function macOf(text: string, key: Uint8Array): string {
  return createHmac("sha256", key).update(text).digest("base64url");
}

/** Compares the MACs as texts, not the bytes they encode: base64url can write the same bytes in more than one way. */
export function isMacOf(text: string, mac: string, key: Uint8Array): boolean {
  const [given, expected] = [Buffer.from(mac), Buffer.from(macOf(text, key))];
  return given.length === expected.length && timingSafeEqual(given, expected);
}
