import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from "jose";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { fetchJson } from "./http/fetch-json.ts";
import { parseKeySet } from "./parse-key-set.ts";
import type { Basis } from "./remember-verified.ts";

/** Keys are not believed for longer without being asked for again: a withdrawn one must go. */
const KEYS_MAX_AGE_MS = 300_000;

/** Whoever looks after keys has them fetched from this age on: an issuer that is slow, or away for a moment, then holds nobody up. */
const KEYS_OLD_MS = 240_000;

/** After an answer, an unknown `kid` or a signature that fails makes us ask again this much later at the earliest. */
const COOLDOWN_MS = 10_000;

/** After a failure we ask again this much later at the earliest while there are no keys to go by. */
const RETRY_MS = 1_000;

/** The published keys of an issuer. As a function it finds the key of a token; it throws AppError `unavailable` while they cannot be had. */
export interface RemoteKeys extends JWTVerifyGetKey {
  /**
   * Has the keys fetched again, at most once in 10 s: a signature failed, and the key may have changed under its name.
   * Answers whether they are others now. Never throws.
   */
  readonly refresh: () => Promise<boolean>;
  /** Has the keys fetched where they are not known or have become old. Never throws. */
  readonly ensure: () => Promise<void>;
  /** The same a minute before they become old. */
  readonly keep: () => Promise<void>;
  /** Why no token can be checked by them, for the operator; undefined while they can, or before they were asked for. */
  readonly fault: () => string | undefined;
  /** What verdicts by the keys of now rest on: it holds until one of these keys is gone. */
  readonly basis: () => Basis;
}

/** How the keys are had, beside their address. */
export interface KeySetOptions {
  /** Fetches the key set; throws AppError `unavailable` with the reason. */
  readonly fetchKeySet?: () => Promise<unknown>;
  /** The monotonic time in milliseconds. */
  readonly now?: () => number;
  /** Gets each change of `fault`. */
  readonly onFault?: (fault: string | undefined, error: AppError | undefined) => void;
}

interface KnownKeys {
  readonly find: JWTVerifyGetKey;
  /** Each key as it was published. */
  readonly texts: ReadonlySet<string>;
  readonly fetchedAt: number;
}

/**
 * The keys at that address (RFC 7517), fetched when first needed and when they have become old. A `kid` is only ever
 * compared, and an unknown one has the keys fetched again at most every 10 s. Members of the set that are no usable public
 * keys are passed over.
 */
export function remoteKeys(url: string, options: KeySetOptions = {}): RemoteKeys {
  const keys = new FetchedKeys({ fetchKeySet: () => fetchJson({ url }), now: () => performance.now(), ...options });
  const lookup: JWTVerifyGetKey = (header, token) => keys.find(header, token);
  return Object.assign(lookup, {
    refresh: () => keys.refresh(),
    ensure: () => keys.ensure().catch(() => undefined),
    keep: () => keys.ensure(KEYS_OLD_MS).catch(() => undefined),
    fault: () => (keys.isUsable ? undefined : keys.fault),
    basis: () => keys.basis,
  });
}

class FetchedKeys {
  readonly #options: Required<Omit<KeySetOptions, "onFault">> & Pick<KeySetOptions, "onFault">;
  #known: KnownKeys | undefined;
  #loading: Promise<void> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #failure: AppError | undefined;
  #basis = { holds: true };
  fault: string | undefined;

  constructor(options: Required<Omit<KeySetOptions, "onFault">> & Pick<KeySetOptions, "onFault">) {
    this.#options = options;
  }

  get basis(): Basis {
    return this.#basis;
  }

  /** Whether tokens can be checked by keys that are still believed. */
  get isUsable(): boolean {
    const known = this.#known;
    return known !== undefined && known.texts.size > 0 && this.#options.now() - known.fetchedAt < KEYS_MAX_AGE_MS;
  }

  async find(...of: Parameters<JWTVerifyGetKey>): Promise<Awaited<ReturnType<JWTVerifyGetKey>>> {
    await this.ensure();
    const before = this.#known;
    try {
      return await findKey(before?.find, of);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#reload(COOLDOWN_MS);
      if (this.#known === before) throw error;
      return findKey(this.#known?.find, of);
    }
  }

  async ensure(maxAgeMs = KEYS_MAX_AGE_MS): Promise<void> {
    const known = this.#known;
    if (known === undefined || this.#options.now() - known.fetchedAt >= maxAgeMs) await this.#reload(RETRY_MS);
  }

  async refresh(): Promise<boolean> {
    const before = this.#known;
    await this.#reload(COOLDOWN_MS).catch(() => undefined);
    const texts = this.#known?.texts ?? new Set();
    return before !== undefined && texts.symmetricDifference(before.texts).size > 0;
  }

  /** Asks unless that was done `restMs` ago or is being done; throws when the last answer was none. */
  async #reload(restMs: number): Promise<void> {
    if (this.#loading === undefined && this.#options.now() - this.#askedAt >= restMs) this.#loading = this.#load();
    await this.#loading;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #load(): Promise<void> {
    this.#askedAt = this.#options.now();
    try {
      this.#adopt(parseKeySet(await this.#options.fetchKeySet()));
    } catch (error) {
      this.#fail(toAppError(error));
    } finally {
      this.#loading = undefined;
    }
  }

  #adopt(keys: readonly JWK[]): void {
    const texts = new Set(keys.map((key) => JSON.stringify(key)));
    if (this.#known !== undefined && !this.#known.texts.isSubsetOf(texts)) {
      this.#basis.holds = false;
      this.#basis = { holds: true };
    }
    this.#known = { find: lookupIn(keys), texts, fetchedAt: this.#askedAt };
    this.#failure = undefined;
    this.#report(keys.length === 0 ? "the key set has no key that can be used" : undefined);
  }

  #fail(cause: AppError): void {
    const reason = cause.code === "internal" ? "the answer cannot be used" : cause.message;
    const message = `the signing keys of the token's issuer cannot be fetched: ${reason}`;
    this.#failure = new AppError("unavailable", message, { cause, facts: cause.facts });
    if (!this.isUsable) this.#report(reason);
  }

  #report(fault: string | undefined): void {
    if (fault === this.fault) return;
    this.fault = fault;
    this.#options.onFault?.(fault, this.#failure);
  }
}

/** Finds a token's key by its name; keys that were published without one are tried for every token. */
function lookupIn(keys: readonly JWK[]): JWTVerifyGetKey {
  const named = createLocalJWKSet({ keys: [...keys] });
  const unnamed = createLocalJWKSet({ keys: keys.filter(({ kid }) => kid === undefined) });
  return async (header, token) => {
    try {
      return await named(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || header.kid === undefined) throw error;
      const { kid: _, ...nameless } = header;
      return unnamed(nameless);
    }
  };
}

/** A key that is published but broken is the issuer's fault, not the token's. */
async function findKey(find: JWTVerifyGetKey | undefined, of: Parameters<JWTVerifyGetKey>) {
  try {
    if (find !== undefined) return await find(...of);
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
    throw new AppError("unavailable", "the signing key that the token's issuer publishes is broken", { cause: error });
  }
  throw new AppError("unavailable", "the signing keys of the token's issuer cannot be had right now");
}
