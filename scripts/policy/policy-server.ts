import type { Command } from "commander";
import { z } from "zod";
import { isName } from "#shared/protocol/names.ts";
import { DEMO_OPERATOR_TOKEN } from "../demo-settings.ts";
import { readText } from "../shared/read-text.ts";
import { ScriptError, UsageError } from "../shared/run-script.ts";
import { askService, callService, isDemo, type ServiceCall, urlOfService } from "../shared/service-calls.ts";

/** The options of every command that asks a server. */
export const serverOptionsSchema = z.object({ url: z.string().optional(), tokenFile: z.string().optional() });
type ServerOptions = z.infer<typeof serverOptionsSchema>;

/** The answer to a change. */
export const versionSchema = z.object({ version: z.int() });

/** Gives a command the options that say where policy is and who asks. */
export function withServerOptions(command: Command): Command {
  const withUrl = command.option("--url <url>", "where policy is; else POLICY_URL, else http://127.0.0.1:8082");
  return withTokenOption(withUrl);
}

/** Gives a command the option that says who asks. */
export function withTokenOption(command: Command): Command {
  return command.option(
    "--token-file <file>",
    "a file with the token; else POLICY_TOKEN_FILE, else the token itself in POLICY_TOKEN, else policy's own POLICY_OPERATOR_TOKEN_FILE. It is the operator's token, or an access token of somebody with the permission in the tenant. The demo on this machine needs none",
  );
}

/** policy's HTTP API, as somebody with a token. */
export interface PolicyServer {
  readonly url: string;
  /**
   * Calls it and answers the body of its answer, checked.
   * @throws {ScriptError} with what the server said, where it refuses.
   */
  call<Schema extends z.ZodType>(request: PolicyRequest, schema: Schema): Promise<z.infer<Schema>>;
  /**
   * Calls it and answers the body of its answer as it is.
   * @throws {ScriptError} with what the server said, where it refuses.
   */
  read(request: PolicyRequest): Promise<string>;
}

/** A call of the API. */
export interface PolicyRequest {
  readonly method: ServiceCall["method"];
  readonly path: string;
  readonly body?: string | undefined;
  /** The version that must still be in force. */
  readonly ifMatch?: number | undefined;
}

/**
 * Reads where policy is and with what token it is asked.
 * @throws {ScriptError} where there is no token.
 */
export async function openPolicyServer(
  { url, tokenFile }: ServerOptions,
  env: NodeJS.ProcessEnv,
): Promise<PolicyServer> {
  const base = urlOfService("policy", env, url);
  const token = await readAdministratorToken(tokenFile, env, isDemo("policy", env, url));
  const callOf = ({ ifMatch, ...request }: PolicyRequest): ServiceCall => ({
    ...request,
    token,
    ...(ifMatch === undefined ? {} : { headers: { "if-match": `"${ifMatch}"` } }),
  });
  return {
    url: base,
    read: (request) => callService("policy", base, callOf(request)),
    call: (request, schema) => askService("policy", base, callOf(request), schema),
  };
}

/**
 * The path of a tenant in the API.
 * @throws {UsageError} where the name is none.
 */
export function tenantPath(tenant: string): string {
  if (!isName(tenant)) throw new UsageError("name the tenant: 1 to 64 of A-Z a-z 0-9 _ -");
  return `/v1/tenants/${tenant}`;
}

/**
 * The token of whoever administers: an operator's, or an access token.
 *
 * The last places are for `docker compose exec policy sluice …`, where policy's own operator is asked for nothing, and for the
 * demo on this machine, whose token everybody knows.
 * @throws {ScriptError} where there is none.
 */
export async function readAdministratorToken(
  tokenFile: string | undefined,
  env: NodeJS.ProcessEnv,
  inDemo: boolean,
): Promise<string> {
  const file = tokenFile ?? (env["POLICY_TOKEN_FILE"] || undefined);
  const operatorFile = env["POLICY_OPERATOR_TOKEN_FILE"] || undefined;
  const token = file === undefined && env["POLICY_TOKEN"] ? env["POLICY_TOKEN"] : undefined;
  const path = file ?? operatorFile;
  const found = (token ?? (path === undefined ? "" : firstTokenIn(await readText(path, "the token")))).trim();
  if (found !== "") return found;
  if (inDemo && path === undefined) return DEMO_OPERATOR_TOKEN;
  throw new ScriptError("there is no token: name a file with --token-file, or set POLICY_TOKEN_FILE or POLICY_TOKEN");
}

/** The file of the operators holds a line `<name>: <token>` or `<token>` for each, and comments; any of them will do. */
function firstTokenIn(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  const first = lines.find((line) => line !== "" && !line.startsWith("#")) ?? "";
  return first.replace(/^[\w-]+:\s+/, "");
}
