import { fetchAnswer, type TokenSource } from "./api-client.ts";

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
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  const init = { method, headers, body: body === undefined ? null : JSON.stringify(body) };
  return fetchAnswer(fetch, tokens, { url: new URL(path, url), init, service, deadlineMs: DEADLINE_MS, signal });
}
