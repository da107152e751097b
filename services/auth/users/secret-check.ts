import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { singleFlight } from "#shared/async/single-flight.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import type { PasswordHash } from "./password-hash.ts";
import type { VerifyAccount } from "./verify-account.ts";

/** What a service client proves that it has. */
export interface PresentedSecret {
  /** The account's key among the secrets. */
  readonly key: string;
  readonly secret: string;
  /** Whoever asks, for the turns. */
  readonly owner: string;
  /** Asked before a verification; what it throws ends it. */
  readonly admit: () => Promise<void>;
}

/**
 * Whether the secret is that of the account with this key. An unknown key costs the same work as a wrong secret; a secret that
 * was right before costs none, and as many requests as come with it at once are verified once.
 * @throws {AppError} what `admit` throws, or `unavailable` when too many secrets wait to be verified.
 */
export type CheckSecret = (
  secrets: ReadonlyMap<string, { readonly password: PasswordHash }>,
  presented: PresentedSecret,
) => Promise<boolean>;

/** Secrets whose digest is remembered; one that is forgotten is verified once more. */
const MAX_KNOWN = 10_000;

/** Makes the check of clients' secrets, which come with every token that a client asks for. */
export function createSecretCheck(verify: VerifyAccount): CheckSecret {
  /** Digests of what was right, with the hash that it was right for. */
  const known = new LRUCache<string, true>({ max: MAX_KNOWN });
  const flight = singleFlight<boolean>();
  return async (secrets, { key, secret, owner, admit }) => {
    const tag = Buffer.from(secrets.get(key)?.password.tag ?? []).toString("base64");
    const digest = createHash("sha256")
      .update(compositeKey(key, secret, tag))
      .digest("base64");
    if (known.has(digest)) return true;
    const isRight = await flight(digest, () => admit().then(() => verify(secrets, key, secret, owner)));
    if (isRight) known.set(digest, true);
    return isRight;
  };
}
