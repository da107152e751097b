import { AppError } from "#shared/errors/app-error.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import { Rate } from "#shared/limits/rate.ts";
import type { SharedCounts } from "#shared/limits/shared-counts.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** How many changes of topics a subject and an address may ask for in a second, over all their streams. */
const CHANGES_PER_SECOND = { subject: 100, address: 500 };

/** How many calls about streams there may be. */
export interface CallLimitSettings {
  readonly perAddressPerMinute: number;
  readonly acksPerAddressPerMinute: number;
  readonly acksPerSubjectPerMinute: number;
  /** Where the tenant's limits say nothing else. */
  readonly perSubjectPerMinute: number;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}

/** What was called of late. */
export type CallRates = ReturnType<typeof createCallRates>;

/** Counts calls together with the other workers. */
export function createCallRates(counts: SharedCounts, { wall }: Pick<CallLimitSettings, "wall">) {
  const rate = (name: string, windowMs: number): Rate => new Rate(counts, { name, windowMs, wall });
  return {
    byAddress: rate("ca", MINUTE_MS),
    bySubject: rate("cu", MINUTE_MS),
    acksByAddress: rate("aa", MINUTE_MS),
    acksBySubject: rate("au", MINUTE_MS),
    changesByAddress: rate("ta", SECOND_MS),
    changesBySubject: rate("tu", SECOND_MS),
  };
}

/** Limits calls about open streams: of an address before a token is read, of a subject behind it. */
export class CallLimits {
  readonly #settings: CallLimitSettings;
  readonly #rates: CallRates;
  /** A tenant's name in the counts. */
  readonly #nameOf: (tenant: string) => string;

  constructor(rates: CallRates, settings: CallLimitSettings, nameOf = (tenant: string): string => tenant) {
    [this.#rates, this.#settings, this.#nameOf] = [rates, settings, nameOf];
  }

  /** The same limits and counts for tenants that are counted by other names. */
  namedBy(nameOf: (tenant: string) => string): CallLimits {
    return new CallLimits(this.#rates, this.#settings, nameOf);
  }

  /** @throws {AppError} `too_many_requests`. An address of this host counts nothing. */
  admitAddress(address: string | undefined): void {
    if (address === undefined) return;
    requireLeft(this.#rates.byAddress.take(address, this.#settings.perAddressPerMinute), "calls from your network");
  }

  /** The same for a change of topics: pages make many of them, and each costs little. */
  admitChangeOfAddress(address: string | undefined): void {
    if (address === undefined) return;
    requireLeft(
      this.#rates.changesByAddress.take(address, CHANGES_PER_SECOND.address),
      "changes from your network",
      "second",
    );
  }

  /** @throws {AppError} `too_many_requests`. */
  admitChange(tenant: string, subject: string): void {
    const waitMs = this.#rates.changesBySubject.take(
      compositeKey(this.#nameOf(tenant), subject),
      CHANGES_PER_SECOND.subject,
    );
    requireLeft(waitMs, "changes of yours", "second");
  }

  /** The same as `admitAddress` for acknowledgements, which every subscriber makes all the time. */
  admitAckOfAddress(address: string | undefined): void {
    if (address === undefined) return;
    const waitMs = this.#rates.acksByAddress.take(address, this.#settings.acksPerAddressPerMinute);
    requireLeft(waitMs, "acknowledgements from your network");
  }

  /**
   * `calls`: as how many it counts.
   * @throws {AppError} `too_many_requests`.
   */
  admitAck(tenant: string, subject: string, calls = 1): void {
    const waitMs = this.#rates.acksBySubject.take(
      compositeKey(this.#nameOf(tenant), subject),
      this.#settings.acksPerSubjectPerMinute,
      calls,
    );
    requireLeft(waitMs, "acknowledgements of yours");
  }

  /**
   * `perMinute` is the tenant's own limit, where it has one.
   * @throws {AppError} `too_many_requests`.
   */
  admitSubject(tenant: string, subject: string, perMinute: number | undefined): void {
    const limit = perMinute ?? this.#settings.perSubjectPerMinute;
    requireLeft(this.#rates.bySubject.take(compositeKey(this.#nameOf(tenant), subject), limit), "calls of yours");
  }
}

function requireLeft(waitMs: number | undefined, what: string, window = "minute"): void {
  if (waitMs === undefined) return;
  const retryAfterSeconds = Math.ceil(waitMs / 1_000);
  throw new AppError("too_many_requests", `too many ${what} within a ${window}`, { retryAfterSeconds });
}
