import { tenantPath, type TokenSource } from "../http/api-client.ts";
import { callAuth } from "../http/call-service.ts";
import type { Session } from "../session/session.ts";

/** A secret of a client, of which auth keeps a hash alone. */
export interface Secret {
  readonly number: number;
  readonly created_at: string;
  readonly created_by: string;
  readonly last_used_at?: string;
}

/** A service client of a tenant, as auth tells of it. */
export interface ProducerClient {
  readonly client_id: string;
  readonly from: "file" | "api";
  readonly state: "active" | "withdrawn" | "unreadable";
  readonly name?: string;
  readonly scope?: string;
  readonly secrets?: readonly Secret[];
}

/** A client and a secret of its own, which is shown this once. */
export interface ShownSecret {
  readonly client_id: string;
  readonly secret_number: number;
  readonly client_secret: string;
}

/** What auth is asked about a tenant's clients. All methods throw an `ApiError`. */
export interface ProducerClients {
  list(signal: AbortSignal): Promise<{ readonly clients: readonly ProducerClient[] }>;
  make(name: string): Promise<ShownSecret>;
  addSecret(id: string): Promise<ShownSecret>;
  withdrawSecret(id: string, number: number): Promise<void>;
  withdraw(id: string): Promise<void>;
}

/** The clients of a tenant at auth, for whoever is logged in. */
export function producerClientsOf(authUrl: string, session: Session, tenant: string): ProducerClients {
  const tokens: TokenSource = {
    token: () => session.token(),
    // An auth that knows no operators refuses their token, with which they are still logged in at policy.
    expire: (token) => (session.who.value?.kind === "person" ? session.expire(token) : undefined),
  };
  const call = <Answer>(
    method: "GET" | "POST" | "DELETE",
    parts: readonly string[] = [],
    body?: object,
    signal?: AbortSignal,
  ) => {
    const path = tenantPath(tenant, "clients", ...parts).replace("/v1/", "/v1/auth/");
    return callAuth<Answer>(authUrl, tokens, { method, path, ...(body === undefined ? {} : { body }) }, signal);
  };
  return {
    list: (signal) => call("GET", [], undefined, signal),
    make: (name) => call("POST", [], { name }),
    addSecret: (id) => call("POST", [id, "secrets"]),
    withdrawSecret: (id, number) => call("DELETE", [id, "secrets", String(number)]),
    withdraw: (id) => call("DELETE", [id]),
  };
}
