import { z } from "zod";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import type { Scope } from "#shared/protocol/scope.ts";
import { readYamlFile } from "./read-yaml-file.ts";
import { createSecretCheck } from "./secret-check.ts";
import type { FindSubject, User } from "./user-directory.ts";
import { passwordHashSchema, type VerifyAccount } from "./verify-account.ts";

/** A service client that proved who it is. */
export interface ServiceClient extends User {
  /** What all its tokens are limited to; undefined for a client of the file. */
  readonly scope?: Scope;
  /** Which of its secrets it proved that with; undefined for a client of the file. */
  readonly secretNumber?: number;
}

/** Service clients; the client id is their subject. */
export interface ClientDirectory {
  readonly find: FindSubject;
  /**
   * The client if the secret is its own. An unknown id costs the same work as a wrong secret; a secret that was right before
   * costs none, and as many requests as come with it at once are verified once. `admit` is asked before a verification;
   * `owner` is whoever asks, for the turns. A client of which another process has heard is known here, too.
   * @throws {AppError} what `admit` throws, or `unavailable` when too many secrets wait to be verified, or when it is not known
   * whether another process has heard of the client.
   */
  authenticate(
    clientId: string,
    secret: string,
    owner: string,
    admit: () => Promise<void>,
  ): Promise<ServiceClient | undefined>;
  /** The client of that id, if a certificate may speak for it. */
  findCertified(clientId: string): ServiceClient | undefined;
  /**
   * Whether the client and its secret are still good, whatever another process has withdrawn a moment ago.
   * @throws {AppError} `unavailable` when that is not known.
   */
  confirm(client: ServiceClient): Promise<boolean>;
}

/** The clients of the file, which do not change. */
export interface FileClients extends ClientDirectory {
  ofTenant(tenant: string): readonly User[];
  knows(clientId: string): boolean;
}

const clientSchema = z.strictObject(
  {
    tenant: nameSchema,
    client_id: nameSchema,
    secret: passwordHashSchema.optional(),
    certificate: z.boolean().default(false),
    groups: z.array(freeNameSchema).max(256).default([]),
    roles: z.array(freeNameSchema).max(64).default([]),
  },
  {
    error: ({ code }) =>
      code === "unrecognized_keys"
        ? "holds more than tenant, client_id, secret, certificate, groups and roles"
        : undefined,
  },
);

const clientsSchema = z.array(clientSchema).superRefine((clients, context) => {
  for (const [index, { secret, certificate }] of clients.entries()) {
    if (secret !== undefined || certificate) continue;
    context.addIssue({ code: "custom", path: [index], message: "needs a secret, or certificate: true, or both" });
  }
  const ids = clients.map(({ client_id }) => client_id);
  for (const [index, id] of ids.entries()) {
    if (ids.indexOf(id) === index) continue;
    context.addIssue({ code: "custom", path: [index, "client_id"], message: `${id} stands twice` });
  }
});

/**
 * Reads the clients' file; without a path there are none. An id names one client over all tenants, because a client
 * names no tenant when it asks for a token.
 * @throws {BootError} naming every fault in the file.
 */
export async function readClientDirectory(path: string | undefined, verify: VerifyAccount): Promise<FileClients> {
  const clients = path === undefined ? [] : await readYamlFile(path, "AUTH_CLIENTS_FILE", clientsSchema);
  const accounts = new Map(
    clients.map(({ client_id, secret, ...rest }) => [client_id, { ...rest, username: client_id, password: secret }]),
  );
  const secrets = new Map(
    [...accounts].flatMap(([id, { password }]) => (password === undefined ? [] : [[id, { password }]])),
  );
  const check = createSecretCheck(verify);
  return {
    find(tenant, clientId) {
      const client = accounts.get(clientId);
      return client?.tenant === tenant ? client : undefined;
    },
    async authenticate(clientId, secret, owner, admit) {
      const isRight = await check(secrets, { key: clientId, secret, owner, admit });
      return isRight ? accounts.get(clientId) : undefined;
    },
    findCertified(clientId) {
      const client = accounts.get(clientId);
      return client?.certificate === true ? client : undefined;
    },
    confirm: async () => true,
    knows: (clientId) => accounts.has(clientId),
    ofTenant: (tenant) => [...accounts.values()].filter((client) => client.tenant === tenant),
  };
}
