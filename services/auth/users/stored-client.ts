import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { scopeSchema } from "#shared/contract/scope-schema.ts";
import { formatScope, type Scope } from "#shared/protocol/scope.ts";
import { formatPasswordHash, type PasswordHash } from "./password-hash.ts";
import { passwordHashSchema } from "./verify-account.ts";

/** How many clients are kept of a tenant, and how many secrets of each: while one is replaced, both are good. */
export const MAX_CLIENTS = 64;
export const MAX_SECRETS = 2;

/** What the id of every stored client begins with: a file or a policy names no person so by accident. */
export const ID_PREFIX = "key-";

/** One secret of a stored client; its number is never given to another one of that client. */
export interface StoredSecret {
  readonly number: number;
  readonly password: PasswordHash;
  readonly madeAt: string;
  readonly by: string;
  /** When a token was issued for it, to the minute; undefined before the first. */
  readonly usedAt?: string | undefined;
}

/** A service client that was made at run time. Its id is its subject, and no other client ever gets it. */
export interface StoredClient {
  readonly id: string;
  /** What its makers call it. */
  readonly name: string;
  /** What all its tokens are limited to. */
  readonly scope: Scope;
  readonly madeAt: string;
  readonly by: string;
  /** The number of its youngest secret. */
  readonly lastNumber: number;
  readonly secrets: readonly StoredSecret[];
  /** It is withdrawn, and gone once its sessions have ended. */
  readonly isWithdrawn: boolean;
}

const atSchema = z.iso.datetime();

const secretSchema = z.object({
  number: z.int().min(1),
  hash: passwordHashSchema,
  madeAt: atSchema,
  by: z.string(),
  usedAt: atSchema.optional(),
});

const clientSchema = z.object({
  id: nameSchema.startsWith(ID_PREFIX),
  name: z.string(),
  scope: scopeSchema,
  madeAt: atSchema,
  by: z.string(),
  lastNumber: z.int().min(1),
  secrets: z.array(secretSchema).max(MAX_SECRETS),
  isWithdrawn: z.boolean(),
});

const clientsSchema = z.object({ clients: z.array(clientSchema).max(MAX_CLIENTS) });

/** The clients in the text of a tenant's entry; undefined where it is none of ours. */
export function decodeClients(value: unknown): StoredClient[] | undefined {
  const parsed = clientsSchema.safeParse(value);
  if (!parsed.success) return undefined;
  return parsed.data.clients.map(({ secrets, ...client }) => ({
    ...client,
    secrets: secrets.map(({ hash: password, ...secret }) => ({ ...secret, password })),
  }));
}

/** The text of a tenant's entry. */
export function encodeClients(clients: readonly StoredClient[]): string {
  const entries = clients.map(({ scope, secrets, ...client }) => ({
    ...client,
    scope: formatScope(scope),
    secrets: secrets.map(({ password, ...secret }) => ({ ...secret, hash: formatPasswordHash(password) })),
  }));
  return JSON.stringify({ clients: entries });
}
