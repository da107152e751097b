import { setTimeout as pause } from "node:timers/promises";
import { AppError, toAppError } from "#shared/errors/app-error.ts";

/** An attempt to prove who one is. */
export interface LoginAttempt {
  readonly tenant: string;
  /** A user's or a client's name, known or not. */
  readonly account: string;
  /** Where it comes from: an IPv4 address or the /64 of an IPv6 address. */
  readonly address: string;
  /** The browser, where this account has logged in on it before. */
  readonly device?: string | undefined;
}

/** What is to come before an attempt is made. */
export interface Admission {
  /** The seconds until the next attempt; 0 where this one may be made. */
  readonly waitSeconds: number;
  /** How long this one is held up first. */
  readonly slowMs: number;
}

/**
 * Counts attempts. An account is locked for one address alone, or for one browser of its owner; for all others it is only
 * slowed: whoever guesses at an account must not shut out its owner. The methods throw AppError `unavailable` when the count
 * cannot be had.
 */
export interface LoginThrottle {
  /** Counts an attempt before it is made, so that many at once cannot slip through. */
  admit(attempt: LoginAttempt): Promise<Admission>;
  /** Takes a success back: the attempts at this account from here, and this one elsewhere. */
  forget(attempt: LoginAttempt): Promise<void>;
  /** Takes back this one attempt, which was neither right nor wrong. */
  discount(attempt: LoginAttempt): Promise<void>;
}

/**
 * Lets an attempt through, in its time, or throws `too_many_attempts` with the seconds to wait; known and unknown names alike.
 */
export async function admitAttempt(throttle: LoginThrottle, attempt: LoginAttempt): Promise<void> {
  const { waitSeconds: retryAfterSeconds, slowMs } = await throttle.admit(attempt);
  if (retryAfterSeconds > 0) {
    throw new AppError("too_many_attempts", "too many attempts; wait a few minutes", { retryAfterSeconds });
  }
  if (slowMs > 0) await pause(slowMs, undefined, { ref: false });
}

/** Whoever makes an attempt, as far as its turns are concerned: a known browser, else the address. */
export function ownerOf({ address, device }: LoginAttempt): string {
  return device === undefined ? address : `device ${device}`;
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
