import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { CLOCK_LEEWAY_SECONDS } from "./access-token.ts";

/** As many as one process holds connections. */
const MAX_TOKENS = 20_000;

/** What is remembered takes about as much as the tokens: 1 KB each in most cases, and 64 KB at most. */
const MAX_CHARACTERS = 64 * 1_024 * 1_024;

/** No verdict is believed for longer: the keys would have been asked for again. */
const MAX_AGE_MS = 300_000;

/** What a verdict rests on: keys, an entry of the issuers' file, another server's answer. */
export interface Basis {
  /** Whether none of it has changed since. */
  readonly holds: boolean;
}

/** What a verifier says of a token that holds, and what that rests on. */
export interface Verdict<Claims> {
  readonly claims: Claims;
  readonly basis: Basis;
}

/**
 * A verifier that remembers which tokens held, by their hash: a reconnect then costs no signature check. What it remembers
 * is never more than the token itself says: it ends with `exp`, and with what the verdict rests on. Whether the session
 * lives is not in a token, and is asked elsewhere each time. The claims it gives are frozen. `onVerified` gets each
 * verification: whether the token was remembered, and how long it took.
 */
export function rememberVerified<Claims extends { readonly exp: number }>(
  verify: (token: string, asker?: string) => Promise<Verdict<Claims>>,
  onVerified: (cached: boolean, seconds: number) => void = () => {},
  wall: () => number = Date.now,
): (token: string, asker?: string) => Promise<Claims> {
  const remembered = new LRUCache<string, Verdict<Claims>>({
    max: MAX_TOKENS,
    maxSize: MAX_CHARACTERS,
    ttl: MAX_AGE_MS,
  });
  return async (token, asker) => {
    const startedAt = performance.now();
    const report = (cached: boolean): void => onVerified(cached, (performance.now() - startedAt) / 1_000);
    // Measured: 3 µs, where a signature takes 175 µs. The token itself would keep a secret in memory.
    const key = hash("sha256", token, "base64");
    const known = remembered.get(key);
    if (known?.basis.holds === true && wall() < (known.claims.exp + CLOCK_LEEWAY_SECONDS) * 1_000) {
      report(true);
      return known.claims;
    }
    remembered.delete(key);
    const { claims, basis } = await verify(token, asker).finally(() => report(false));
    remembered.set(key, { claims: freeze(claims), basis }, { size: token.length });
    return claims;
  };
}

function freeze<Claims extends object>(claims: Claims): Claims {
  for (const value of Object.values(claims)) Object.freeze(value);
  return Object.freeze(claims);
}
