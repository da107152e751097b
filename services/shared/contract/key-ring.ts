import { z } from "zod";

/** The bucket of auth's keys. Whatever is secret in it is encrypted, so that other services may read it. */
export const KEYS_BUCKET = "sluice_keys";

/** The entry in it that holds the ring. */
export const KEY_RING_ENTRY = "ring";

/** A key's id: a name to look it up by, and nothing else. Ours are RFC 7638 thumbprints. */
export const kidSchema = z.string().min(1).max(256);

/** The part of the ring that every verifier reads: keys whose tokens are refused at once, whatever a cached JWKS says. */
export const withdrawnKeysSchema = z.object({
  withdrawn: z.array(z.object({ kid: kidSchema, withdrawnAt: z.int() })),
});
