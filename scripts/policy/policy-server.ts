import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { z } from "zod";
import { parseJson } from "#shared/json/parse-json.ts";
import { DEFAULT_PORTS } from "../demo-settings.ts";
import { ScriptError } from "../shared/run-script.ts";

const TIMEOUT_MS = 30_000;

/** The options of every command that asks a server. */
export const serverOptionsSchema = z.object({ url: z.string().optional(), tokenFile: z.string().optional() });
type ServerOptions = z.infer<typeof serverOptionsSchema>;

/** The answer to a change. */
export const versionSchema = z.object({ version: z.int() });

/** Gives a command the options that say where policy is and who asks. */
export function withServerOptions(command: Command): Command {
  return command
    .option("--url <url>", "where policy is; else POLICY_URL, else http://127.0.0.1:8082")
    .option(
      "--token-file <file>",
      "a file with the token; else POLICY_TOKEN_FILE, else the token itself in POLICY_TOKEN, else policy's own POLICY_OPERATOR_TOKEN_FILE. It is the operator's token, or an access token of somebody with the permission in the tenant",
    );
}

const problemSchema = z.object({ detail: z.string(), code: z.string() });

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
  readonly method: "GET" | "POST" | "PUT";
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
  const port = env["POLICY_HTTP_PORT"] || DEFAULT_PORTS.POLICY_HTTP_PORT;
  const base = (url ?? (env["POLICY_URL"] || `http://127.0.0.1:${port}`)).replace(/\/+$/, "");
  if (!/^https?:$/.test(URL.parse(base)?.protocol ?? "")) throw new ScriptError(`${base} is not an http or https URL`);
  const token = await readToken(tokenFile, env);
  const read = (request: PolicyRequest): Promise<string> => callPolicy(base, token, request);
  return {
    url: base,
    read,
    async call(request, schema) {
      const parsed = schema.safeParse(parseJson(await read(request)));
      if (parsed.success) return parsed.data;
      throw new ScriptError(`what answers at ${base} is not policy, or another release of it`);
    },
  };
}

/** The last place is for `docker compose exec policy sluice …`: in policy's own container its operator is asked for nothing. */
async function readToken(tokenFile: string | undefined, env: NodeJS.ProcessEnv): Promise<string> {
  const file = tokenFile ?? (env["POLICY_TOKEN_FILE"] || undefined);
  const operatorFile = env["POLICY_OPERATOR_TOKEN_FILE"] || undefined;
  const token = file === undefined && env["POLICY_TOKEN"] ? env["POLICY_TOKEN"] : undefined;
  const path = file ?? operatorFile;
  const found = (token ?? (path === undefined ? "" : firstTokenIn(await readTokenFile(path)))).trim();
  if (found !== "") return found;
  throw new ScriptError("there is no token: name a file with --token-file, or set POLICY_TOKEN_FILE or POLICY_TOKEN");
}

/** The file of the operators holds a line `<name>: <token>` or `<token>` for each, and comments; any of them will do. */
function firstTokenIn(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  const first = lines.find((line) => line !== "" && !line.startsWith("#")) ?? "";
  return first.replace(/^[\w-]+:\s+/, "");
}

function readTokenFile(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: Error) => {
    throw new ScriptError(`the token cannot be read: ${error.message}`);
  });
}

async function callPolicy(
  base: string,
  token: string,
  { method, path, body, ifMatch }: PolicyRequest,
): Promise<string> {
  const headers: Record<string, string> = { authorization: `Bearer ${token}` };
  if (ifMatch !== undefined) headers["if-match"] = `"${ifMatch}"`;
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  // A redirect could lead the token somewhere else.
  const request = { method, headers, signal, redirect: "error", ...(body === undefined ? {} : { body }) } as const;
  const response = await fetch(base + path, request).catch((error: Error) => {
    throw new ScriptError(
      `policy does not answer at ${base}: ${reasonOf(error)}; --url or POLICY_URL says where it is`,
    );
  });
  const answer = await response.text();
  if (response.ok) return answer;
  throw refused(response.status, parseJson(answer));
}

function reasonOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message || String(error.cause) : error.message;
}

function refused(status: number, answer: unknown): ScriptError {
  const problem = problemSchema.safeParse(answer);
  if (!problem.success) return new ScriptError(`policy answered ${status}`);
  const { detail, code } = problem.data;
  const hint = code === "version_conflict" ? "; somebody was quicker: look at the diff again, then apply again" : "";
  return new ScriptError(`policy refuses (${status} ${code}): ${detail}${hint}`);
}
