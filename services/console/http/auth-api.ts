import { ApiError, readProblem, toApiError } from "./api-error.ts";
import type { TokenSource } from "./api-client.ts";

/** The deadline of a call, in milliseconds. */
const DEADLINE_MS = 10_000;

/** Calls auth as the person who is logged in; an operator's token is nothing to it. Throws an `ApiError`. */
export async function callAuth<Answer>(
  authUrl: string,
  tokens: TokenSource,
  { method, path }: { readonly method: "GET" | "DELETE"; readonly path: string },
  signal?: AbortSignal,
): Promise<Answer> {
  const token = await tokens.token();
  if (token === undefined) throw loggedOut();
  const response = await fetch(new URL(path, authUrl), {
    method,
    headers: { authorization: `Bearer ${token}` },
    credentials: "omit",
    signal: AbortSignal.any([AbortSignal.timeout(DEADLINE_MS), ...(signal === undefined ? [] : [signal])]),
  }).catch((thrown: unknown) => {
    throw signal?.aborted === true ? thrown : toApiError(thrown, "auth");
  });
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as Answer;
  const problem = await readProblem(response);
  if (problem.status === 401) tokens.expire();
  throw problem;
}

function loggedOut(): ApiError {
  const message = "log in again; what you typed is kept";
  return new ApiError({ status: 401, code: "logged_out", message, requestId: undefined, retryAfter: undefined });
}
