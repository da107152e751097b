import { parseJson } from "#shared/json/parse-json.ts";
import { z } from "zod";
import { hintFor } from "./demo-hint.ts";
import { readPort } from "./read-ports.ts";
import { ScriptError } from "./run-script.ts";

const TIMEOUT_MS = 30_000;

/** The services that commands ask over HTTP, in the order in which they are listed. */
export const SERVICES = ["auth", "policy", "publish", "stream"] as const;
export type ServiceName = (typeof SERVICES)[number];

/** A call of a service's API. */
export interface ServiceCall {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** The path and the query. */
  readonly path: string;
  readonly token?: string | undefined;
  readonly body?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** A service that answered, and would not. */
export class Refusal extends ScriptError {
  override readonly name = "Refusal";
  /** The status of HTTP. */
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

const problemSchema = z.object({ detail: z.string(), code: z.string() });

/** What to do about a refusal that does not say so itself, by service and code. */
const HINTS: Readonly<Record<string, string>> = {
  "policy version_conflict": "somebody was quicker: look at the diff again, then apply again",
  "policy tenant_unknown": "sluice tenant list shows those that there are, sluice tenant create makes one",
  "publish forbidden": "sluice policy explain <person> --tenant <name> --publish <topic> says why",
  "stream no_topic_granted": "sluice policy explain <person> --tenant <name> --topic <topic> says why",
  "auth bad_credentials": "--tenant, --user and --password-file, or SLUICE_TENANT and so on, say who logs in",
};

/**
 * Where a service is: `given`, else `<SERVICE>_URL`, else the port of the demo that `npm start` runs, which
 * `<SERVICE>_HTTP_PORT` and `SLUICE_PORT_OFFSET` move. It ends without a slash.
 * @throws {ScriptError} when it is no http or https URL.
 */
export function urlOfService(service: ServiceName, env: NodeJS.ProcessEnv, given?: string): string {
  const prefix = service.toUpperCase() as Uppercase<ServiceName>;
  const named = given ?? (env[`${prefix}_URL`] || undefined);
  const url = (named ?? `http://127.0.0.1:${readPort(`${prefix}_HTTP_PORT`, env)}`).replace(/\/+$/, "");
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? "")) return url;
  throw new ScriptError(`${url} is not an http or https URL; ${prefix}_URL says where ${service} is`);
}

/**
 * Where the operations port of a service is: `<SERVICE>_OPS_URL`, else that of the demo, which `<SERVICE>_OPS_PORT` and
 * `SLUICE_PORT_OFFSET` move.
 */
export function opsUrlOf(service: ServiceName, env: NodeJS.ProcessEnv): string {
  const prefix = service.toUpperCase() as Uppercase<ServiceName>;
  const named = env[`${prefix}_OPS_URL`] || undefined;
  return (named ?? `http://127.0.0.1:${readPort(`${prefix}_OPS_PORT`, env)}`).replace(/\/+$/, "");
}

/** Whether commands ask the demo of this machine: nothing says where the service is. */
export function isDemo(service: ServiceName, env: NodeJS.ProcessEnv, given?: string): boolean {
  return given === undefined && !env[`${service.toUpperCase()}_URL`];
}

/**
 * Calls a service and answers its response, whatever its status.
 * @throws {ScriptError} saying where it was looked for, when it does not answer within 30 s.
 */
export async function fetchFrom(service: ServiceName, base: string, call: ServiceCall): Promise<Response> {
  const { method, path, token, body, headers = {}, signal = AbortSignal.timeout(TIMEOUT_MS) } = call;
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const sent = body === undefined ? {} : { body };
  // A redirect could lead the token somewhere else.
  const init = { method, headers: { ...authorization, ...headers }, signal, redirect: "error", ...sent } as const;
  return fetch(base + path, init).catch((error: Error) => {
    const variable = `${service === "policy" ? "--url or " : ""}${service.toUpperCase()}_URL`;
    const hint = `${hintFor(URL.parse(base)?.hostname)}${variable} says where it is`;
    throw new ScriptError(`${service} does not answer at ${base}: ${reasonOf(error)}; ${hint}`);
  });
}

/**
 * Calls a service and answers the body of its answer.
 * @throws {ScriptError} with what the service said, where it refuses.
 */
export async function callService(service: ServiceName, base: string, call: ServiceCall): Promise<string> {
  const response = await fetchFrom(service, base, call);
  const answer = await response.text();
  if (response.ok) return answer;
  throw refused(service, response.status, parseJson(answer));
}

/**
 * Calls a service and answers the body of its answer, checked.
 * @throws {ScriptError} with what the service said, where it refuses; or where the answer is none of that service.
 */
export async function askService<Schema extends z.ZodType>(
  service: ServiceName,
  base: string,
  call: ServiceCall,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const parsed = schema.safeParse(parseJson(await callService(service, base, call)));
  if (parsed.success) return parsed.data;
  throw new ScriptError(`what answers at ${base} is not ${service}, or another release of it`);
}

function reasonOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message || String(error.cause) : error.message;
}

/** What a service said when it refused, as an error for the person at the terminal. */
export function refused(service: ServiceName, status: number, answer: unknown): Refusal {
  const problem = problemSchema.safeParse(answer);
  if (!problem.success) return new Refusal(`${service} answered ${status}`, status);
  const { detail, code } = problem.data;
  const hint = HINTS[`${service} ${code}`];
  return new Refusal(`${service} refuses (${status} ${code}): ${[detail, hint].filter(Boolean).join("; ")}`, status);
}
