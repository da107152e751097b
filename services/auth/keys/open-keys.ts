import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { createLocalJWKSet, type JWK, type JWTVerifyGetKey } from "jose";
import { type KeyRing, publishedKeys, type RingKey, type SigningAlgorithm } from "./key-ring.ts";
import type { Sealer } from "./seal.ts";

/** The name that the HMAC key of refresh tokens is sealed under. */
export const REFRESH_KEY_NAME = "refresh";

/** The key that signs access tokens. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly key: KeyObject;
}

/** The keys of auth, ready for use. What they hold may change from one moment to the next: keep none of it. */
export interface Keys {
  /** Signs access tokens; throws AppError `unavailable` while that key is unknown. */
  readonly signing: SigningKey;
  /** The JWKS that verifies access tokens (RFC 7517). */
  readonly jwks: { readonly keys: JWK[] };
  /** Finds a key in it. */
  readonly published: JWTVerifyGetKey;
  /** HMAC keys of refresh tokens: the first signs, each of them verifies. */
  readonly refresh: readonly [Uint8Array, ...Uint8Array[]];
}

/** The keys of one ring. */
export interface OpenedKeys extends Omit<Keys, "signing"> {
  readonly signing: SigningKey | undefined;
}

/**
 * Decrypts a ring. Public keys are derived from the private ones: an attacker who can write the store but lacks its
 * encryption key cannot slip in a key. Throws when the ring was sealed with another key.
 */
export function openKeys(ring: KeyRing, sealer: Sealer): OpenedKeys {
  const jwks = { keys: publishedKeys(ring).map(({ key }) => publicPartOf(key, sealer)) };
  return {
    signing: ring.signing && { kid: ring.signing.kid, alg: ring.signing.alg, key: privateKeyOf(ring.signing, sealer) },
    jwks,
    published: createLocalJWKSet(jwks),
    refresh: [sealer.open(REFRESH_KEY_NAME, ring.refresh)],
  };
}

function privateKeyOf({ kid, sealed }: RingKey, sealer: Sealer): KeyObject {
  const key = JSON.parse(sealer.open(kid, sealed).toString()) as JsonWebKey;
  return createPrivateKey({ key, format: "jwk" });
}

function publicPartOf(key: RingKey, sealer: Sealer): JWK {
  const { kty = "", crv = "", x = "", y } = createPublicKey(privateKeyOf(key, sealer)).export({ format: "jwk" });
  return { kty, crv, alg: key.alg, kid: key.kid, x, ...(y === undefined ? {} : { y }), use: "sig" };
}
