import { loggedOut, readProblem, toApiError } from "./api-error.ts";
import type { TokenSource } from "./api-client.ts";

/** The deadline of a call, in milliseconds. */
const DEADLINE_MS = 10_000;

/** A call of another service than policy. */
interface ServiceCall {
  /** What the service is called where it does not answer. */
  readonly service: "auth" | "the publisher";
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
}

/** Calls auth as whoever is logged in; operators it knows where it is told who they are. Throws an `ApiError`. */
export function callAuth<Answer>(
  authUrl: string,
  tokens: TokenSource,
  call: Omit<ServiceCall, "service">,
  signal?: AbortSignal,
): Promise<Answer> {
  return callService(authUrl, tokens, { service: "auth", ...call }, signal);
}

/** Publishes an event as the person who is logged in. Throws an `ApiError`. */
export async function publishEvent(publishUrl: string, tokens: TokenSource, event: object): Promise<void> {
  const call = { service: "the publisher", method: "POST", path: "/v1/events", body: event } as const;
  await callService(publishUrl, tokens, call);
}

async function callService<Answer>(
  url: string,
  tokens: TokenSource,
  { service, method, path, body }: ServiceCall,
  signal?: AbortSignal,
): Promise<Answer> {
  const token = await tokens.token();
  if (token === undefined) throw loggedOut();
  const response = await fetch(new URL(path, url), {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    body: body === undefined ? null : JSON.stringify(body),
    credentials: "omit",
    signal: AbortSignal.any([AbortSignal.timeout(DEADLINE_MS), ...(signal === undefined ? [] : [signal])]),
  }).catch((thrown: unknown) => {
    throw signal?.aborted === true ? thrown : toApiError(thrown, service);
  });
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as Answer;
  const problem = await readProblem(response);
  if (problem.status === 401) tokens.expire(token);
  throw problem;
}
