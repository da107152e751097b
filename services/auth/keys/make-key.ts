import { createHash, generateKeyPairSync, type JsonWebKey } from "node:crypto";
import type { RingKey, SigningAlgorithm } from "./key-ring.ts";
import type { Sealer } from "./seal.ts";

/** Makes a key whose private part only the sealer's key can read. */
export function makeKey(alg: SigningAlgorithm, sealer: Sealer, now: number): RingKey {
  const { privateKey } =
    alg === "ES256" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("ed25519");
  const jwk = privateKey.export({ format: "jwk" });
  const kid = thumbprintOf(jwk);
  return { kid, alg, sealed: sealer.seal(kid, Buffer.from(JSON.stringify(jwk))), publishedAt: now };
}

/** RFC 7638: the required members in lexical order, without spaces. An Ed25519 key has no `y`, and JSON leaves it out. */
function thumbprintOf({ crv, kty, x, y }: JsonWebKey): string {
  return createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
}
