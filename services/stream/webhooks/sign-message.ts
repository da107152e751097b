import { createHmac, createPrivateKey, type KeyObject, sign } from "node:crypto";

/** What a receiver checks a message by (Standard Webhooks 1.0). */
export interface MessageSigner {
  /** The value of `webhook-signature`. */
  sign(id: string, timestamp: number, body: Buffer): string;
}

const SECRET_BYTES = { min: 24, max: 64 } as const;

/** Before the 32 bytes of an Ed25519 key: what makes them a PKCS #8 document (RFC 8410, section 7). */
const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * Reads the secrets of a receiver, with spaces between: `whsec_` and the base64 of 24 to 64 bytes, which the receiver has too, or
 * `whsk_` and the base64 of an Ed25519 key, of which the receiver has the public half. A message is signed by each of them, so that a
 * new one can be brought in while the old one still counts. Undefined where one of them cannot be read.
 */
export function readSigner(text: string): MessageSigner | undefined {
  const signs = text.split(" ").map(readSecret);
  if (signs.some((each) => each === undefined)) return undefined;
  return {
    sign(id, timestamp, body) {
      const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
      return signs.map((each) => each?.(content)).join(" ");
    },
  };
}

type Sign = (content: Buffer) => string;

function readSecret(text: string): Sign | undefined {
  const [, kind, encoded = ""] = /^(whsec|whsk)_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const bytes = Buffer.from(encoded, "base64");
  if (kind === "whsec" && bytes.length >= SECRET_BYTES.min && bytes.length <= SECRET_BYTES.max) {
    return (content) => `v1,${createHmac("sha256", bytes).update(content).digest("base64")}`;
  }
  const key = kind === "whsk" ? readPrivateKey(bytes) : undefined;
  return key && ((content) => `v1a,${sign(null, content, key).toString("base64")}`);
}

/** A seed of 32 bytes, or the seed with the public key behind it, as most libraries write it. */
function readPrivateKey(bytes: Buffer): KeyObject | undefined {
  if (bytes.length !== 32 && bytes.length !== 64) return undefined;
  const der = Buffer.concat([PKCS8_ED25519, bytes.subarray(0, 32)]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}
