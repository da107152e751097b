import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { BootError } from "#shared/config/read-config.ts";
import { nameSchema } from "#shared/contract/names.ts";
import { createGate } from "./gate.ts";
import { parsePasswordHash, type PasswordHash, verifyPassword } from "./password-hash.ts";

/** A person of a tenant, and what tokens say about them. */
export interface User {
  readonly tenant: string;
  readonly username: string;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
}

/** The users of the file that auth was started with. */
export interface UserDirectory {
  /** The user of that name, whatever their password. */
  find(tenant: string, username: string): User | undefined;
  /**
   * The user if the password is theirs. An unknown name costs the same work as a wrong password.
   * @throws {AppError} `unavailable` when too many passwords wait to be verified.
   */
  authenticate(tenant: string, username: string, password: string): Promise<User | undefined>;
}

/**
 * Hashing takes the threads that signatures need too, of which Node has four: a flood of logins gets half of them, and
 * queues for 4 s at most, so that refreshes go on.
 */
const VERIFICATIONS = { maxRunning: 2, maxWaiting: 200 };

type Account = User & { readonly password: PasswordHash };
type Accounts = readonly [Account, ...Account[]];

const passwordSchema = z.string().transform((text, context) => {
  const hash = parsePasswordHash(text);
  if (hash !== undefined) return hash;
  context.addIssue({ code: "custom", message: "must be an argon2id hash; npm run hash-password makes one" });
  return z.NEVER;
});

const accountSchema = z.strictObject(
  {
    tenant: nameSchema,
    username: nameSchema,
    password: passwordSchema,
    groups: z.array(nameSchema).max(256).default([]),
    roles: z.array(nameSchema).max(64).default([]),
  },
  // zod would name the unknown keys, and a hash without quotes falls apart into such keys.
  {
    error: ({ code }) =>
      code === "unrecognized_keys" ? "holds more than tenant, username, password, groups and roles" : undefined,
  },
);

const usersSchema = z.tuple([accountSchema], accountSchema).superRefine((accounts, context) => {
  const seen = new Set<string>();
  for (const [index, { tenant, username }] of accounts.entries()) {
    const key = keyOf(tenant, username);
    if (seen.has(key)) context.addIssue({ code: "custom", path: [index, "username"], message: `${key} stands twice` });
    seen.add(key);
  }
});

/**
 * Reads the users' file.
 * @throws {BootError} naming every fault in it. It never quotes the file, which holds password hashes.
 */
export async function readUserDirectory(path: string): Promise<UserDirectory> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new BootError(`AUTH_USERS_FILE: cannot read ${path} (${error.code})`);
  });
  const parsed = usersSchema.safeParse(parseYaml(path, text));
  if (!parsed.success) {
    throw faultsIn(
      path,
      parsed.error.issues.map(({ path: where, message }) => `${where.join(".") || "the file"}: ${message}`),
    );
  }
  return createUserDirectory(parsed.data);
}

function parseYaml(path: string, text: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { prettyErrors: false, lineCounter });
  if (document.errors.length === 0) return document.toJS();
  throw faultsIn(
    path,
    document.errors.map(({ code, pos }) => `line ${lineCounter.linePos(pos[0]).line}: ${code}`),
  );
}

function faultsIn(path: string, faults: readonly string[]): BootError {
  return new BootError(`the users' file ${path} is wrong:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
}

function createUserDirectory(accounts: Accounts): UserDirectory {
  const byKey = new Map(accounts.map((account) => [keyOf(account.tenant, account.username), account]));
  const gate = createGate(VERIFICATIONS);
  return {
    find: (tenant, username) => byKey.get(keyOf(tenant, username)),
    async authenticate(tenant, username, password) {
      const key = keyOf(tenant, username);
      const account = byKey.get(key);
      const { password: hash } = account ?? decoyFor(key, accounts);
      const isRight = await gate(() => verifyPassword(password, hash));
      return isRight ? account : undefined;
    },
  };
}

/**
 * The account whose hash an unknown name is checked against, in vain. Each name always gets the same one, so that names
 * cannot be told apart by time even where hashes of different cost stand side by side.
 */
function decoyFor(key: string, accounts: Accounts): Account {
  const index = createHash("sha256").update(key).digest().readUInt32BE() % accounts.length;
  return accounts[index] ?? accounts[0];
}

function keyOf(tenant: string, username: string): string {
  return `${tenant}.${username}`;
}
