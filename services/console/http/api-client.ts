import { loggedOut, readProblem, toApiError } from "./api-error.ts";

/** The deadline of a call, in milliseconds. */
const DEADLINE_MS = 15_000;

/** Whose token the calls carry. */
export interface TokenSource {
  /** The token for a call now; undefined where nobody is logged in. Renews one that has run out. */
  token(): Promise<string | undefined>;
  /** This token was refused: whoever is logged in by it is so no more. */
  expire(token: string): void;
}

/** What a call sends besides its path. */
export interface Sending {
  readonly method: "POST" | "PUT" | "DELETE";
  /** Sent as JSON; a string is sent as it stands. */
  readonly body?: unknown;
  /** The version that the change is made for: 412 where another is in force. */
  readonly ifMatch?: number | undefined;
}

/** Policy's HTTP API, for whoever is logged in. All methods throw an `ApiError`; none tries again by itself. */
export interface ApiClient {
  /** Reads what is at the path; `parameters` that are undefined or empty are left out. */
  get<Answer>(path: string, options?: Reading): Promise<Answer>;
  send<Answer>(path: string, sending: Sending, signal?: AbortSignal): Promise<Answer>;
}

/** What a reading call carries. */
export interface Reading {
  readonly parameters?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/** A client of the API at the page's own origin. */
export function createApiClient(tokens: TokenSource, fetch: typeof globalThis.fetch): ApiClient {
  const call = <Answer>(path: string, init: RequestInit, signal?: AbortSignal): Promise<Answer> =>
    fetchAnswer(fetch, tokens, { url: path, init, service: "policy", deadlineMs: DEADLINE_MS, signal });
  return {
    get: (path, { parameters = {}, signal } = {}) => call(path + queryOf(parameters), {}, signal),
    send(path, { method, body, ifMatch }, signal) {
      const isText = typeof body === "string";
      const headers = {
        ...(body === undefined ? {} : { "content-type": isText ? "application/yaml" : "application/json" }),
        ...(ifMatch === undefined ? {} : { "if-match": `"${ifMatch}"` }),
      };
      return call(
        path,
        { method, headers, body: body === undefined ? null : isText ? body : JSON.stringify(body) },
        signal,
      );
    },
  };
}

/** A request to a service. */
interface ServiceRequest {
  readonly url: string | URL;
  readonly init: RequestInit;
  /** What the service is called where it does not answer. */
  readonly service: string;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/** The answer to a request of whoever is logged in; a token that is refused is used no more. Throws an `ApiError`. */
export async function fetchAnswer<Answer>(
  fetch: typeof globalThis.fetch,
  tokens: TokenSource,
  { url, init, service, deadlineMs, signal }: ServiceRequest,
): Promise<Answer> {
  const token = await tokens.token();
  if (token === undefined) throw loggedOut();
  const response = await fetch(url, {
    ...init,
    headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${token}` },
    credentials: "omit",
    signal: AbortSignal.any([AbortSignal.timeout(deadlineMs), ...(signal === undefined ? [] : [signal])]),
  }).catch((thrown: unknown) => {
    throw signal?.aborted === true ? thrown : toApiError(thrown, service);
  });
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as Answer;
  const problem = await readProblem(response);
  if (problem.status === 401) tokens.expire(token);
  throw problem;
}

/** The path of something of a tenant's; each part is one segment. */
export function tenantPath(tenant: string, ...parts: readonly string[]): string {
  return `/v1/tenants/${[tenant, ...parts].map((part) => encodeURIComponent(part)).join("/")}`;
}

function queryOf(parameters: NonNullable<Reading["parameters"]>): string {
  const present = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "");
  return present.length === 0 ? "" : `?${new URLSearchParams(present as [string, string][]).toString()}`;
}
