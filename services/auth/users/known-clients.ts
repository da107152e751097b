import type { StoredClient, StoredSecret } from "./stored-client.ts";

/** A tenant's clients, and the revision of what is stored; 0 where nothing ever was. */
export interface TenantClients {
  readonly clients: readonly StoredClient[];
  readonly revision: number;
}

/** What a secret is verified by. */
export function secretKey(id: string, number: number): string {
  return `${id}/${number}`;
}

/** The stored clients that this process knows. */
export type KnownClients = ReturnType<typeof createKnownClients>;

/** What this process knows of the stored clients. */
export function createKnownClients() {
  const revisions = new Map<string, TenantClients>();
  const byId = new Map<string, { readonly tenant: string; readonly client: StoredClient }>();
  const secrets = new Map<string, StoredSecret>();
  return {
    secrets,
    clientOf: (id: string) => byId.get(id),
    tenants: () => [...revisions.keys()],
    /** The highest revision that is known. */
    youngest: () => [...revisions.values()].reduce((youngest, { revision }) => Math.max(youngest, revision), 0),
    /** What is known of a tenant; undefined where nothing is. */
    of: (tenant: string) => revisions.get(tenant),
    /**
     * Takes what is stored of a tenant, unless something younger is known. `asked` is what was known when the store's leader was asked: against
     * that its answer counts, however old it is, as the store may have been restored.
     */
    take(tenant: string, now: TenantClients, asked?: TenantClients): void {
      const before = revisions.get(tenant);
      if (before !== undefined && before !== asked && before.revision >= now.revision) return;
      for (const client of before?.clients ?? []) {
        byId.delete(client.id);
        for (const key of keysOf(client)) secrets.delete(key);
      }
      revisions.set(tenant, now);
      for (const client of now.clients.filter(({ isWithdrawn }) => !isWithdrawn)) {
        byId.set(client.id, { tenant, client });
        for (const secret of client.secrets) secrets.set(secretKey(client.id, secret.number), secret);
      }
    },
  };
}

function keysOf({ id, secrets }: StoredClient): string[] {
  return secrets.map(({ number }) => secretKey(id, number));
}
