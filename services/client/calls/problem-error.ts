import type { ErrorCode } from "../../shared/protocol/problem-codes.ts";

/** Why a call was refused, or could not be made. The message is for developers. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  /** The code of the problem document; `unavailable` where nothing of the edge's answered. */
  readonly code: ErrorCode;
  /** The HTTP status; undefined where nothing answered. */
  readonly status: number | undefined;
  /** When the same call may be made again, where the edge says so. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    rest: { status?: number | undefined; retryAfterSeconds?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: rest.cause });
    this.code = code;
    this.status = rest.status;
    this.retryAfterSeconds = rest.retryAfterSeconds;
  }
}

/** Reads why an answer refuses. What is no problem document is a proxy's. */
export async function readProblem(response: Response): Promise<ProblemError> {
  const { status, headers } = response;
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  const rest = { status, retryAfterSeconds: seconds >= 0 ? seconds : undefined };
  const document = await readDocument(response);
  return new ProblemError(document?.code ?? "unavailable", document?.detail ?? `the edge answered ${status}`, rest);
}

interface ProblemDocument {
  readonly code: ErrorCode;
  readonly detail: string;
}

async function readDocument(response: Response): Promise<ProblemDocument | undefined> {
  if (!response.headers.get("content-type")?.startsWith("application/problem+json")) return undefined;
  try {
    return (await response.json()) as ProblemDocument;
  } catch {
    return undefined;
  }
}
