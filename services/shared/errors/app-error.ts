import type { BusyReason } from "../protocol/busy-reasons.ts";
import type { ErrorCode } from "../protocol/problem-codes.ts";

/** What a log line says of a failure beside its message: an issuer, a key id, the claim at fault. No secrets. */
export type ErrorFacts = Readonly<Record<string, string>>;

/** A failure that is expected: it has a stable code and a message for the caller. Nothing secret goes into it. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  /** When trying again makes sense, where that is known. */
  readonly retryAfterSeconds: number | undefined;
  /** Why a stream is refused for now; undefined for a refusal for good, or of something else. */
  readonly busy: BusyReason | undefined;
  /** Whether what was asked for may have been done all the same. */
  readonly mayBeDone: boolean;
  /** For the log alone: the caller never gets them. */
  readonly facts: ErrorFacts;

  constructor(
    code: ErrorCode,
    message: string,
    options: ErrorOptions & {
      retryAfterSeconds?: number;
      facts?: ErrorFacts;
      busy?: BusyReason;
      mayBeDone?: boolean;
    } = {},
  ) {
    super(message, options);
    this.code = code;
    this.busy = options.busy ?? (code === "unavailable" ? "unavailable" : undefined);
    this.mayBeDone = options.mayBeDone ?? false;
    this.facts = options.facts ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The failure as an AppError; what nobody expected becomes `internal`, with the cause kept for the log. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError("internal", "something went wrong on our side", { cause: error });
}
