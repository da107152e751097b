import type { ErrorCode } from "../../shared/protocol/problem-codes.ts";
import type { Environment } from "../environment/environment.ts";
import type { Refusal, RoadEnd, RoadRequest } from "./road.ts";

/** The answer to a request, or why there is none to read. */
export type Answer = { readonly kind: "answered"; readonly response: Response } | RoadEnd;

/** What is asked for. */
interface Question {
  /** `/v1/stream`. */
  readonly path: string;
  /** What the answer must be. */
  readonly mediaType: string;
  /** Parameters of this road alone. */
  readonly extra?: Readonly<Record<string, string>>;
}

/**
 * Asks the edge for frames. The id goes in a parameter: as a header it would cost pages of another origin a request of its own
 * before each one.
 */
export async function askEdge(
  { fetch }: Pick<Environment, "fetch">,
  request: RoadRequest,
  { path, mediaType, extra = {} }: Question,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const response = await fetch(targetOf(request, path, extra), {
      headers: { accept: mediaType, ...bearer(request.token()) },
      credentials: request.credentials,
      cache: "no-store",
      signal,
    });
    if (!response.ok) return await readRefusal(response);
    if (!response.headers.get("content-type")?.startsWith(mediaType)) return { kind: "unusable" };
    return { kind: "answered", response };
  } catch {
    return { kind: "unreachable" };
  }
}

/** The header that a token goes in. */
export function bearer(token: string | undefined): { authorization?: string } {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/** Where a road's requests go to. */
export function targetOf(request: RoadRequest, path: string, extra: Readonly<Record<string, string>>): string {
  const parameters = new URLSearchParams([...request.parameters, ...Object.entries(extra)]);
  const id = request.lastEventId();
  if (id !== undefined) {
    parameters.set("lastEventId", id);
    // An id says where to begin by itself.
    parameters.delete("from");
  }
  return `${request.url}${path}?${parameters}`;
}

/** The roads that an answer says are on; undefined where it does not say. */
export function transportsOf({ headers }: Response): readonly string[] | undefined {
  return headers.get("x-sluice-transports")?.split(/\s*,\s*/);
}

/** Who else than our own services answers with a problem document of ours? Everything else is a proxy's. */
async function readRefusal(response: Response): Promise<Refusal | { readonly kind: "unusable" }> {
  const { status, headers } = response;
  const retryAfter = Number(headers.get("retry-after") ?? Number.NaN);
  const own = headers.get("content-type")?.startsWith("application/problem+json") ? await readProblem(response) : {};
  // What is away for now is away on every road.
  if (own.code === undefined && status !== 401 && status !== 429 && status < 500) return { kind: "unusable" };
  return {
    kind: "refused",
    status,
    ...own,
    retryAfterMs: retryAfter >= 0 ? retryAfter * 1_000 : undefined,
    transports: transportsOf(response),
  };
}

async function readProblem(response: Response): Promise<Pick<Refusal, "code" | "detail">> {
  try {
    const { code, detail } = (await response.json()) as { code?: ErrorCode; detail?: string };
    return { code, detail };
  } catch {
    return {};
  }
}
