import type { JWK } from "jose";
import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";

const keySetSchema = z.object({ keys: z.array(z.unknown()) });

/** What a public key of each kind must have (RFC 7518, section 6, RFC 8037, RFC 9964). Kinds with a shared secret are none of ours. */
const MEMBERS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ["EC", ["crv", "x", "y"]],
  ["RSA", ["n", "e"]],
  ["OKP", ["crv", "x"]],
  ["AKP", ["alg", "pub"]],
]);

/**
 * The usable public keys of a key set (RFC 7517, section 5: what is not understood is passed over, and so is what is
 * broken). A key that was published with its private part is not one that anybody should believe.
 * @throws {AppError} `unavailable` when the answer is not a key set.
 */
export function parseKeySet(answer: unknown): JWK[] {
  const parsed = keySetSchema.safeParse(answer);
  if (!parsed.success) throw new AppError("unavailable", 'the answer is no key set: it has no list named "keys"');
  return parsed.data.keys.map(withoutNulls).filter(isPublicKey).map(withoutDisputed);
}

/** Some libraries write out what a key does not have, its private part among it. */
function withoutNulls(key: unknown): unknown {
  if (typeof key !== "object" || key === null) return key;
  return Object.fromEntries(Object.entries(key).filter(([, value]) => value !== null));
}

function isPublicKey(key: unknown): key is JWK & { kty: string } {
  if (typeof key !== "object" || key === null) return false;
  const members = key as Readonly<Record<string, unknown>>;
  const needed = MEMBERS.get(members["kty"]);
  if (needed === undefined || "d" in members || "priv" in members) return false;
  return needed.every((name) => typeof members[name] === "string");
}

/**
 * An Ed25519 key may call its algorithm EdDSA or Ed25519 (RFC 9864), and so may tokens: the curve decides. A key that is published with
 * all that its pair is for, as `sign` and `verify`, is for verifying here: a public key that is to sign cannot be used at all.
 */
function withoutDisputed(key: JWK): JWK {
  const { alg, kid, key_ops, ...rest } = key;
  return {
    ...rest,
    ...(key_ops !== undefined && { key_ops: [key_ops].flat().filter((each) => each === "verify") }),
    ...(key.kty !== "OKP" && alg !== undefined && { alg }),
    ...(typeof kid === "string" && { kid }),
  };
}
