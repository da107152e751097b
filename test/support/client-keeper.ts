/** A secret as it is shown once. */
export interface ShownSecret {
  readonly client_id: string;
  readonly secret_number: number;
  readonly client_secret: string;
}

/** What is listed of a client. */
export interface ListedClient {
  readonly client_id: string;
  readonly from: string;
  readonly state: string;
  readonly secrets?: readonly { readonly number: number; readonly last_used_at?: string }[];
}

/** The answer of auth's administration of service clients: a secret, or the list. */
export interface KeptAnswer {
  readonly status: number;
  readonly body: ShownSecret & { readonly clients: readonly ListedClient[] };
}

/** A call of auth's administration of service clients. */
export type KeepClients = (method: "GET" | "POST" | "DELETE", path?: string, body?: object) => Promise<KeptAnswer>;

/** Keeps the service clients of a tenant as whoever has the token. */
export function clientKeeper(authUrl: string, token: string, tenant = "demo"): KeepClients {
  return async (method, path = "", body) => {
    const response = await fetch(`${authUrl}/v1/auth/tenants/${tenant}/clients${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === "" ? undefined : JSON.parse(text)) as KeptAnswer["body"] };
  };
}

/** Asks for a token by client credentials. */
export async function clientToken(
  authUrl: string,
  { client_id, client_secret }: Pick<ShownSecret, "client_id" | "client_secret">,
  scope?: string,
): Promise<{ readonly status: number; readonly token: string; readonly error?: string; readonly scope?: string }> {
  const form = new URLSearchParams({ grant_type: "client_credentials", ...(scope === undefined ? {} : { scope }) });
  const basic = Buffer.from(`${client_id}:${client_secret}`).toString("base64");
  const headers = { authorization: `Basic ${basic}` };
  const response = await fetch(`${authUrl}/v1/auth/token`, { method: "POST", body: form, headers });
  const answer = (await response.json()) as { access_token?: string; error?: string; scope?: string };
  const { access_token: token = "", ...rest } = answer;
  return { status: response.status, token, ...rest };
}
