import { AppError } from "#shared/errors/app-error.ts";

/**
 * Makes a call to something that may be away.
 * @throws {AppError} `unavailable` with this message when it fails, with its error as the cause. An AppError stays as it is.
 */
export async function orUnavailable<Answer>(message: string, call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("unavailable", message, { cause: error });
  }
}
