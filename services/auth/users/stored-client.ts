import { hash } from "node:crypto";
import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { scopeSchema } from "#shared/contract/scope-schema.ts";
import { parseJson } from "#shared/json/parse-json.ts";
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
  /** What is stored of it, where this release cannot read that: it gets no tokens, and whoever withdraws it takes it away. */
  readonly unreadable?: unknown;
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

const listSchema = z.object({ clients: z.array(z.unknown()) });

/** The clients in the text of a tenant's entry. What is none of ours is an unreadable one, beside which the others go on. */
export function decodeClients(text: string): StoredClient[] {
  const value = parseJson(text) ?? text;
  const { data } = listSchema.safeParse(value);
  return (data?.clients ?? [value]).map(decodeClient);
}

function decodeClient(value: unknown): StoredClient {
  const { data } = clientSchema.safeParse(value);
  if (data === undefined) return unreadableClient(value);
  const { secrets, ...client } = data;
  return { ...client, secrets: secrets.map(({ hash: password, ...secret }) => ({ ...secret, password })) };
}

/** It has its own id where that can be read, else one by what it holds, so that it can be named. */
function unreadableClient(unreadable: unknown): StoredClient {
  const own = z.object({ id: clientSchema.shape.id }).safeParse(unreadable).data?.id;
  const id = own ?? `${ID_PREFIX}unreadable-${hash("sha256", JSON.stringify(unreadable)).slice(0, 10)}`;
  const madeAt = new Date(0).toISOString();
  return { id, name: "", scope: [], madeAt, by: "", lastNumber: 1, secrets: [], isWithdrawn: true, unreadable };
}

/** The text of a tenant's entry. What cannot be read stays in it as it was. */
export function encodeClients(clients: readonly StoredClient[]): string {
  return JSON.stringify({ clients: clients.map(encodeClient) });
}

function encodeClient({ scope, secrets, unreadable, ...client }: StoredClient): unknown {
  if (unreadable !== undefined) return unreadable;
  const hashed = secrets.map(({ password, ...secret }) => ({ ...secret, hash: formatPasswordHash(password) }));
  return { ...client, scope: formatScope(scope), secrets: hashed };
}
