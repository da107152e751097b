import { randomBytes } from "node:crypto";
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import { z } from "zod";

const base64url = z.base64url().min(1);

const privateJwkSchema = z.object({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  alg: z.literal("ES256"),
  kid: base64url,
  x: base64url,
  y: base64url,
  d: base64url,
});
type PrivateJwk = z.infer<typeof privateJwkSchema>;

/** The keys of auth as they are stored. In both lists the first makes new tokens; the others still verify old ones. */
export const storedKeyRingSchema = z.object({
  signing: z.tuple([privateJwkSchema], privateJwkSchema),
  refresh: z.tuple([base64url], base64url),
});
export type StoredKeyRing = z.infer<typeof storedKeyRingSchema>;

/** The keys of auth, ready for use. */
export interface KeyRing {
  /** Signs access tokens (ES256); the `kid` is the key's RFC 7638 thumbprint. */
  readonly signing: { readonly kid: string; readonly key: CryptoKey };
  /** What outsiders verify access tokens with (RFC 7517). */
  readonly jwks: { readonly keys: JWK[] };
  /** HMAC keys of refresh tokens: the first signs, each of them verifies. */
  readonly refresh: readonly [Uint8Array, ...Uint8Array[]];
}

/** Makes a ring of fresh keys. */
export async function generateKeyRing(): Promise<StoredKeyRing> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(privateKey);
  const signing = privateJwkSchema.parse({ ...jwk, alg: "ES256", kid: await calculateJwkThumbprint(jwk) });
  return { signing: [signing], refresh: [randomBytes(32).toString("base64url")] };
}

/** Makes stored keys usable. */
export async function openKeyRing({ signing, refresh }: StoredKeyRing): Promise<KeyRing> {
  const [{ kid }] = signing;
  const [newest, ...older] = refresh;
  return {
    signing: { kid, key: await importJWK(signing[0], "ES256") },
    jwks: { keys: signing.map(publicPartOf) },
    refresh: [decode(newest), ...older.map(decode)],
  };
}

function decode(text: string): Uint8Array {
  return Buffer.from(text, "base64url");
}

function publicPartOf({ kty, crv, alg, kid, x, y }: PrivateJwk): JWK {
  return { kty, crv, alg, kid, x, y, use: "sig" };
}
