import type { ErrorCode } from "../../shared/protocol/problem-codes.ts";
import { ProblemError } from "./problem-error.ts";

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
