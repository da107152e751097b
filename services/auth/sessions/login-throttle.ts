import { AppError, toAppError } from "#shared/errors/app-error.ts";

/** An attempt to prove who one is. */
export interface LoginAttempt {
  readonly tenant: string;
  /** A user's or a client's name, known or not. */
  readonly account: string;
  /** Where it comes from: an IPv4 address or the /64 of an IPv6 address. */
  readonly address: string;
}

/** Counts attempts at an account and from an address. Its methods throw AppError `unavailable` when the count cannot be had. */
export interface LoginThrottle {
  /**
   * Counts an attempt before it is made, so that many at once cannot slip through. Answers the seconds to wait, 0 when it
   * may be made now.
   */
  admit(attempt: LoginAttempt): Promise<number>;
  /** Takes a success back: the attempts at this account, and this one from the address. */
  forget(attempt: LoginAttempt): Promise<void>;
  /** Takes back this one attempt, which was neither right nor wrong. */
  discount(attempt: LoginAttempt): Promise<void>;
}

/** Lets an attempt through, or throws `too_many_attempts` with the seconds to wait; known and unknown names alike. */
export async function admitAttempt(throttle: LoginThrottle, attempt: LoginAttempt): Promise<void> {
  const retryAfterSeconds = await throttle.admit(attempt);
  if (retryAfterSeconds === 0) return;
  throw new AppError("too_many_attempts", "too many attempts; wait a few minutes", { retryAfterSeconds });
}

/**
 * Takes back an attempt that failed as `unavailable`: our own failures must not shut a client out. It also takes back
 * one whose count was not answered: Redis runs commands in their order, and the count may still come.
 */
export function discountUnavailable(throttle: LoginThrottle, attempt: LoginAttempt, error: unknown): void {
  if (toAppError(error).code === "unavailable") throttle.discount(attempt).catch(() => undefined);
}

/** Forgets a success's attempts. If that fails, they count as attempts; the login succeeds all the same. */
export async function forgetSuccess(throttle: LoginThrottle, attempt: LoginAttempt): Promise<void> {
  await throttle.forget(attempt).catch(() => undefined);
}
