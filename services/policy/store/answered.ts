import { orUnavailable } from "#shared/async/or-unavailable.ts";

/** What was asked of the store of policies; throws AppError `unavailable` when it does not answer. */
export function answered<T>(ask: () => Promise<T>): Promise<T> {
  return orUnavailable("the store of policies does not answer; try again", ask);
}
