import { AppError } from "#shared/errors/app-error.ts";
import type { StoredClient } from "../../services/auth/users/stored-client.ts";
import type { StoredClientsStore } from "../../services/auth/users/stored-clients.ts";
import type { TenantClients } from "../../services/auth/users/known-clients.ts";

/** The store of clients in memory, in which somebody else may write unheard. */
export interface MemoryClients extends StoredClientsStore {
  readonly writes: number;
  /** How often it was asked for something new. */
  readonly questions: number;
  storeUnheard(tenant: string, clients: readonly StoredClient[]): void;
  /** Takes a copy of everything; what it answers puts that back. */
  copy(): () => void;
  /** From now on it does not answer. */
  break(): void;
}

/** Makes an empty one. */
export function createMemoryClients(): MemoryClients {
  let entries = new Map<string, TenantClients & { readonly storedAt: number }>();
  let clock = 0;
  let [writes, questions, isBroken] = [0, 0, false];
  const read = (tenant: string): TenantClients => {
    if (isBroken) throw new AppError("unavailable", "the store is away");
    return entries.get(tenant) ?? { clients: [], revision: 0 };
  };
  const storeUnheard = (tenant: string, clients: readonly StoredClient[]): number => {
    writes += 1;
    entries.set(tenant, { clients, revision: writes, storedAt: (clock += 1) });
    return writes;
  };
  return {
    get writes() {
      return writes;
    },
    get questions() {
      return questions;
    },
    storeUnheard,
    copy() {
      const [copied, revision] = [new Map(entries), writes];
      return () => ([entries, writes] = [new Map(copied), revision]);
    },
    break: () => void (isBroken = true),
    tenants: async () => ({ tenants: [...entries.keys()], revision: writes }),
    async next(revision) {
      questions += 1;
      await new Promise((resolve) => setImmediate(resolve));
      if (isBroken) throw new AppError("unavailable", "the store is away");
      const [first] = [...entries]
        .map(([tenant, { revision: stored, storedAt }]) => ({ tenant, revision: stored, storedAt }))
        .filter((entry) => entry.revision > revision)
        .toSorted((a, b) => a.revision - b.revision);
      return first;
    },
    read: async (tenant) => read(tenant),
    replace: async (tenant, clients, revision) =>
      read(tenant).revision === revision ? storeUnheard(tenant, clients) : undefined,
    remove: async (tenant) => void storeUnheard(tenant, []),
    follow: (_onChange, stop) => new Promise((resolve) => stop.addEventListener("abort", () => resolve())),
  };
}
