import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { AppError } from "#shared/errors/app-error.ts";

/** Keys are not believed for longer without being asked for again: a withdrawn one must go. */
export const KEYS_MAX_AGE_MS = 300_000;

/** After an answer, an unknown `kid` makes us ask again this much later at the earliest, however many come. */
const COOLDOWN_MS = 10_000;

/** After a failure we ask again this much later at the earliest while there are no keys to go by. */
const RETRY_MS = 1_000;

const TIMEOUT_MS = 3_000;

/** Far more than any issuer's key set; an endpoint that sends more is not one. */
const MAX_BYTES = 256 * 1_024;

/**
 * The published keys of an issuer (RFC 7517), fetched when first needed and when they have become old. A `kid` is only
 * ever compared, and an unknown one has the keys fetched again at most every 10 s. The lookup throws AppError `unavailable`
 * while the keys cannot be had.
 */
export function remoteKeys(url: string, now: () => number = () => performance.now()): JWTVerifyGetKey {
  let known: { readonly find: JWTVerifyGetKey; readonly fetchedAt: number } | undefined;
  let loading: Promise<void> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let failure: AppError | undefined;

  const load = async (): Promise<void> => {
    askedAt = now();
    try {
      known = { find: createLocalJWKSet(await fetchKeySet(url)), fetchedAt: askedAt };
      failure = undefined;
    } catch (error) {
      failure = new AppError("unavailable", "the signing keys cannot be had right now", { cause: error });
    } finally {
      loading = undefined;
    }
  };
  /** Asks unless that was done `restMs` ago or is being done; throws when the last answer was none. */
  const reload = async (restMs: number): Promise<void> => {
    if (loading === undefined && now() - askedAt >= restMs) loading = load();
    await loading;
    if (failure !== undefined) throw failure;
  };

  return async (header, token) => {
    if (known === undefined || now() - known.fetchedAt >= KEYS_MAX_AGE_MS) await reload(RETRY_MS);
    const before = known;
    try {
      return await findKey(before?.find, header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await reload(COOLDOWN_MS);
      if (known === before) throw error;
      return findKey(known?.find, header, token);
    }
  };
}

/** A key that is published but broken is the issuer's fault, not the token's. */
async function findKey(find: JWTVerifyGetKey | undefined, ...of: Parameters<JWTVerifyGetKey>) {
  try {
    if (find !== undefined) return await find(...of);
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
    throw new AppError("unavailable", "the signing key cannot be used", { cause: error });
  }
  throw new AppError("unavailable", "the signing keys cannot be had right now");
}

async function fetchKeySet(url: string): Promise<JSONWebKeySet> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  // A redirect would let its author choose where our keys come from.
  const response = await fetch(url, { signal, redirect: "error", headers: { accept: "application/json" } });
  if (response.status !== 200 || response.body === null) throw new Error(`${url} answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error(`${url} answered more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString()) as JSONWebKeySet;
}
