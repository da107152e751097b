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
