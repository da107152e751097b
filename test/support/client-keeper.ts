/** A secret as it is shown once. */
export interface ShownSecret {
  readonly client_id: string;
  readonly secret_number: number;
  readonly client_secret: string;
}

/** A call of auth's administration of service clients, and its answer. */
export type KeepClients = <Answer>(
  method: "GET" | "POST" | "DELETE",
  path?: string,
  body?: object,
) => Promise<{ readonly status: number; readonly body: Answer }>;

/** Keeps the service clients of a tenant as whoever has the token. */
export function clientKeeper(authUrl: string, token: string, tenant = "demo"): KeepClients {
  return async <Answer>(method: string, path = "", body?: object) => {
    const response = await fetch(`${authUrl}/v1/auth/tenants/${tenant}/clients${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: (text === "" ? undefined : JSON.parse(text)) as Answer };
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
