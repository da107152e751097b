import { createHash } from "node:crypto";
import { z } from "zod";
import { createGate } from "./gate.ts";
import { parsePasswordHash, type PasswordHash, verifyPassword } from "./password-hash.ts";

/**
 * Whether the secret is that of the account with this key. An unknown key costs the same work as a wrong secret. `owner` is
 * whoever asks: verifications have their turns owner by owner.
 * @throws {AppError} `unavailable` when too many secrets wait to be verified.
 */
export type VerifyAccount = (
  accounts: ReadonlyMap<string, { readonly password: PasswordHash }>,
  key: string,
  secret: string,
  owner: string,
) => Promise<boolean>;

/**
 * Hashing takes the threads that signatures need too, of which Node has four: a flood of logins gets half of them, and
 * queues for 4 s at most, so that refreshes go on.
 */
const VERIFICATIONS = { maxRunning: 2, maxWaiting: 200, maxWaitingOfOne: 20 };

/** Makes the verification of passwords and secrets; all that share one share its threads. */
export function createAccountVerifier(verify = verifyPassword): VerifyAccount {
  const gate = createGate(VERIFICATIONS);
  return async (accounts, key, secret, owner) => {
    const account = accounts.get(key);
    // Looked for in any case: among many accounts it takes long enough to tell known names by.
    const decoy = decoyFor(key, [...accounts.values()]);
    const hash = (account ?? decoy)?.password;
    if (hash === undefined) return false;
    return (await gate(owner, () => verify(secret, hash))) && account !== undefined;
  };
}

/** An argon2id hash in a file. */
export const passwordHashSchema = z.string().transform((text, context) => {
  const hash = parsePasswordHash(text);
  if (hash !== undefined) return hash;
  context.addIssue({ code: "custom", message: "must be an argon2id hash; npx sluice hash-password makes one" });
  return z.NEVER;
});

/**
 * The account whose hash an unknown name is checked against, in vain. Each name always gets the same one, so that names
 * cannot be told apart by time, even if the file's hashes differ in cost.
 */
function decoyFor<Account>(key: string, accounts: readonly Account[]): Account | undefined {
  return accounts[createHash("sha256").update(key).digest().readUInt32BE() % accounts.length];
}
