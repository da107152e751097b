import { z } from "zod";
import { kidSchema, withdrawnKeysSchema } from "#shared/contract/key-ring.ts";

/** What a key may sign with (RFC 7518, section 3.4; RFC 8037). */
export const signingAlgorithmSchema = z.enum(["ES256", "EdDSA"]);
export type SigningAlgorithm = z.infer<typeof signingAlgorithmSchema>;

const ringKeySchema = z.object({
  kid: kidSchema,
  alg: signingAlgorithmSchema,
  /** The private key as an encrypted JWK. */
  sealed: z.string().min(1),
  publishedAt: z.int(),
  signingAt: z.int().optional(),
  retiredAt: z.int().optional(),
});

/** A key of the ring, and when it entered each of its states, in milliseconds since 1970. */
export type RingKey = Readonly<z.infer<typeof ringKeySchema>>;

/** The keys of auth as they are stored. */
export const keyRingSchema = withdrawnKeysSchema.extend({
  /** Signs new tokens. Missing only after a withdrawal, until auth takes its next step. */
  signing: ringKeySchema.optional(),
  /** Published ahead of its first use: it signs next. */
  next: ringKeySchema.optional(),
  /** Sign nothing any more; tokens that they signed may still live. */
  retired: z.array(ringKeySchema),
  /** Somebody asked for a rotation; it comes as soon as `next` has been published for long enough. */
  rotationRequested: z.boolean(),
  /** The HMAC key of refresh tokens, encrypted. */
  refresh: z.string().min(1),
});
export type KeyRing = Readonly<z.infer<typeof keyRingSchema>>;

/** The times that a ring is kept by. */
export interface KeyPlan {
  readonly algorithm: SigningAlgorithm;
  /** How long a key signs. */
  readonly rotationMs: number;
  /** How long a key is published before its first use: longer than any verifier relies on a JWKS it has. */
  readonly publishMs: number;
  /** How long a retired key is published: longer than the last token it signed is accepted anywhere. */
  readonly keepMs: number;
}

/** Makes a new key, published from `now` on. */
export type MakeKey = (now: number) => RingKey;

/** A ring without any key that signs. */
export function emptyRing(refresh: string): KeyRing {
  return { retired: [], withdrawn: [], rotationRequested: false, refresh };
}

/**
 * The ring at `now`: the same object if nothing changes. A key is published, then signs, then retires, then
 * is forgotten; the next one is always published ahead, so that a key can be withdrawn without a verifier meeting an
 * unknown one. Where no key signs, the next takes over at once, however fresh it is.
 */
export function advance(ring: KeyRing, now: number, plan: KeyPlan, makeKey: MakeKey): KeyRing {
  const kept = forget(ring, now - plan.keepMs);
  return complete(isRotationDue(kept, now, plan) ? promote(kept, now) : kept, now, plan, makeKey);
}

/** Takes a key out of the ring for good; its tokens are refused wherever this is read. Undefined when it is not there. */
export function withdraw(ring: KeyRing, kid: string, now: number): KeyRing | undefined {
  const { signing, next, retired, ...rest } = ring;
  if (![signing, next, ...retired].some((key) => key?.kid === kid)) return undefined;
  const without: KeyRing = {
    ...rest,
    ...(signing === undefined || signing.kid === kid ? {} : { signing }),
    ...(next === undefined || next.kid === kid ? {} : { next }),
    retired: retired.filter((key) => key.kid !== kid),
    withdrawn: [...ring.withdrawn, { kid, withdrawnAt: now }],
  };
  return without.signing === undefined ? promote(without, now) : without;
}

/** The published keys, with the state of each. */
export function publishedKeys({ signing, next, retired }: KeyRing) {
  return [
    ...(signing === undefined ? [] : [{ state: "signing" as const, key: signing }]),
    ...(next === undefined ? [] : [{ state: "published" as const, key: next }]),
    ...retired.map((key) => ({ state: "retired" as const, key })),
  ];
}

function forget(ring: KeyRing, retiredBefore: number): KeyRing {
  const retired = ring.retired.filter(({ retiredAt = 0 }) => retiredAt > retiredBefore);
  return retired.length === ring.retired.length ? ring : { ...ring, retired };
}

function isRotationDue({ signing, next, rotationRequested }: KeyRing, now: number, plan: KeyPlan): boolean {
  if (signing?.signingAt === undefined) return true;
  if (next === undefined || next.alg !== plan.algorithm || now < next.publishedAt + plan.publishMs) return false;
  return rotationRequested || signing.alg !== plan.algorithm || now >= signing.signingAt + plan.rotationMs;
}

function promote(ring: KeyRing, now: number): KeyRing {
  const { signing, next, ...rest } = ring;
  if (next === undefined) return ring;
  const retired = signing === undefined ? ring.retired : [{ ...signing, retiredAt: now }, ...ring.retired];
  return { ...rest, signing: { ...next, signingAt: now }, retired, rotationRequested: false };
}

function complete(ring: KeyRing, now: number, { algorithm }: KeyPlan, makeKey: MakeKey): KeyRing {
  const signing = ring.signing ?? { ...makeKey(now), signingAt: now };
  // A key that was published and never used can be dropped: no token bears its name.
  const next = ring.next?.alg === algorithm ? ring.next : makeKey(now);
  return signing === ring.signing && next === ring.next ? ring : { ...ring, signing, next };
}
