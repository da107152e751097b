import type { Context } from "hono";
import type { z } from "zod";
import { isName } from "#shared/protocol/names.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { PresentedClient } from "../sessions/issue-client-token.ts";
import { certifiedNameOf } from "./client-certificate.ts";

const FORM = /^application\/x-www-form-urlencoded\s*(;|$)/i;

type ClientSecret = Extract<PresentedClient, { readonly secret: string }>;

const MAX_SECRET_CHARACTERS = 1_024;

/**
 * The request's form. A parameter without a value counts as absent, and none may come twice (RFC 6749, section 3.2).
 * @throws {AppError} `malformed_request`.
 */
export async function readForm<Schema extends z.ZodType>(c: Context, schema: Schema): Promise<z.infer<Schema>> {
  if (new URL(c.req.url).search !== "") throw malformed("parameters belong into the body, never into the URL");
  if (!FORM.test(c.req.header("content-type") ?? "")) {
    throw malformed("the body must be application/x-www-form-urlencoded");
  }
  const parameters = [...new URLSearchParams(await c.req.text())].filter(([, value]) => value !== "");
  const names = parameters.map(([name]) => name);
  if (new Set(names).size < names.length) throw malformed("a parameter stands twice");
  const parsed = schema.safeParse(Object.fromEntries(parameters));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw malformed(`${issue?.path.join(".") ?? "the body"}: ${issue?.message ?? "not as expected"}`);
}

/**
 * The client that a request presents, by `client_secret_basic` or `client_secret_post` (RFC 6749, section 2.3.1), or by
 * `tls_client_auth` (RFC 8705, section 2.1); undefined for a public client, which has neither secret nor certificate.
 * @throws {AppError} `malformed_request` for two ways at once, `bad_credentials` for what can be no client.
 */
export function readClient(
  c: Context,
  form: { readonly client_id?: string | undefined; readonly client_secret?: string | undefined },
): PresentedClient | undefined {
  const header = c.req.header("authorization");
  const basic = header === undefined ? undefined : parseBasic(header);
  const certified = certifiedNameOf(c);
  const ways = [basic, form.client_secret, certified].filter((way) => way !== undefined);
  if (ways.length > 1) throw malformed("the client authenticates twice");
  if (certified !== undefined) return requireCertified(certified, form.client_id);
  if (basic !== undefined) return requirePlausible(basic);
  if (form.client_secret === undefined) return undefined;
  return requirePlausible({ clientId: form.client_id ?? "", secret: form.client_secret });
}

function requireCertified(name: string, clientId = name): PresentedClient {
  if (isName(name) && name === clientId) return { clientId, isCertified: true };
  throw new AppError("bad_credentials", "the certificate is not that client's");
}

function parseBasic(header: string): ClientSecret {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header) ?? [];
  const text = Buffer.from(encoded ?? "", "base64").toString();
  const colon = text.indexOf(":");
  if (colon === -1) throw badClient();
  const sent = text.slice(colon + 1);
  const decoded = decodePart(sent) ?? sent;
  const [secret, otherSecret] = sent.includes("%") ? [decoded, sent] : [sent, decoded];
  return { clientId: decodePart(text.slice(0, colon)) ?? "", secret, ...(otherSecret !== secret && { otherSecret }) };
}

/** Both parts are form-encoded before they are joined. Undefined for what is not: curl and others leave that out. */
function decodePart(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

function requirePlausible(client: ClientSecret): ClientSecret {
  const { clientId, secret, otherSecret = secret } = client;
  const length = Math.max(secret.length, otherSecret.length);
  if (!isName(clientId) || length === 0 || length > MAX_SECRET_CHARACTERS) throw badClient();
  return client;
}

function badClient(): AppError {
  return new AppError("bad_credentials", "the client id or its secret is wrong");
}

function malformed(message: string): AppError {
  return new AppError("malformed_request", message);
}
