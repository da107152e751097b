import { z } from "zod";
import { inTurns } from "#shared/async/in-turns.ts";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { subjectKey } from "#shared/contract/subject-key.ts";
import { parseList } from "./parse-list.ts";
import { describeIssues, faultsIn, readText } from "./read-yaml-file.ts";
import { createAccountVerifier, passwordHashSchema, type VerifyAccount } from "./verify-account.ts";

/** A person or a service of a tenant, and what tokens say about them. */
export interface User {
  readonly tenant: string;
  readonly username: string;
  readonly groups: readonly string[];
  readonly roles: readonly string[];
}

/** The person or service that is this subject now; undefined when there is none, or they are disabled. */
export type FindSubject = (tenant: string, subject: string) => User | undefined;

/** The users of the file. */
export interface UserDirectory {
  /** The user of that name, whatever their password; undefined when they are disabled. */
  readonly find: FindSubject;
  /**
   * The user if the password is theirs. An unknown or disabled name costs the same work as a wrong password.
   * `owner` is whoever asks, for the turns.
   * @throws {AppError} `unavailable` when too many passwords wait to be verified.
   */
  authenticate(tenant: string, username: string, password: string, owner: string): Promise<User | undefined>;
  /** Whether the file names this user, disabled or not, and whether it names anybody of this tenant. */
  knows(tenant: string, username: string): { readonly user: boolean; readonly tenant: boolean };
}

/** The users of a file that may change. */
export interface ReplaceableUsers extends UserDirectory {
  /** Users that may log in. */
  enabled(): User[];
  replace(accounts: Accounts): void;
}

const SETTING = "AUTH_USERS_FILE";

/** So many accounts are checked in some milliseconds. */
const CHECKED_AT_ONCE = 100;

const accountSchema = z.strictObject(
  {
    tenant: nameSchema,
    username: freeNameSchema,
    password: passwordHashSchema,
    groups: z.array(freeNameSchema).max(256).default([]),
    roles: z.array(freeNameSchema).max(64).default([]),
    disabled: z.boolean().default(false),
  },
  // zod would name the unknown keys, and a hash without quotes falls apart into such keys.
  {
    error: ({ code }) =>
      code === "unrecognized_keys"
        ? "holds more than tenant, username, password, groups, roles and disabled"
        : undefined,
  },
);
type Account = z.infer<typeof accountSchema>;

/** Users by their `subjectKey`. */
export type Accounts = ReadonlyMap<string, Account>;

/**
 * Reads the users' file. A user must not have the name of a service client: both are subjects of their tenant.
 * @throws {BootError} naming every fault in it. It never quotes the file, which holds password hashes.
 */
export async function readAccounts(path: string, findClient: FindSubject = () => undefined): Promise<Accounts> {
  const given = await parseList({ path, setting: SETTING, text: await readText(path, SETTING) });
  const listed = z.array(z.unknown()).min(1, "names nobody").safeParse(given);
  if (!listed.success) throw faultsIn(path, SETTING, describeIssues(listed.error.issues));
  const accounts = new Map<string, Account>();
  const faults: string[] = [];
  await inTurns([...listed.data.entries()], CHECKED_AT_ONCE, ([index, each]) => {
    const parsed = accountSchema.safeParse(each);
    if (!parsed.success) {
      const issues = parsed.error.issues.map((issue) => ({ ...issue, path: [index, ...issue.path] }));
      return void faults.push(...describeIssues(issues));
    }
    const { tenant, username } = parsed.data;
    const key = subjectKey(tenant, username);
    const fault = accounts.has(key) ? "stands twice" : findClient(tenant, username) && "is a client's name";
    if (fault) faults.push(`${index}.username: ${key} ${fault}`);
    accounts.set(key, parsed.data);
  });
  if (faults.length > 0) throw faultsIn(path, SETTING, faults);
  return accounts;
}

/** A directory of these users, until they are replaced. */
export function createUserDirectory(
  accounts: Accounts,
  verify: VerifyAccount = createAccountVerifier(),
): ReplaceableUsers {
  let present = accounts;
  const find = (tenant: string, username: string): User | undefined => {
    const account = present.get(subjectKey(tenant, username));
    return account?.disabled === false ? account : undefined;
  };
  return {
    find,
    async authenticate(tenant, username, password, owner) {
      const isTheirs = await verify(present, subjectKey(tenant, username), password, owner);
      return isTheirs ? find(tenant, username) : undefined;
    },
    knows: (tenant, username) => ({
      user: present.has(subjectKey(tenant, username)),
      tenant: [...present.values()].some((account) => account.tenant === tenant),
    }),
    enabled: () => [...present.values()].filter(({ disabled }) => !disabled),
    replace: (accountsNow) => void (present = accountsNow),
  };
}
