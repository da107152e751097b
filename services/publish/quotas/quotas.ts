import { AppError } from "#shared/errors/app-error.ts";
import { Rate } from "#shared/limits/rate.ts";
import type { SharedCounts } from "#shared/limits/shared-counts.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";

const MINUTE_MS = 60_000;

/** A tenant may publish this many seconds' worth of events at once. */
const BURST_SECONDS = 10;

/** How much may be published. */
export interface QuotaSettings {
  /** Before the token is read there is no tenant that could say otherwise. */
  readonly requestsPerAddressPerMinute: number;
  readonly eventsPerSubjectPerMinute: number;
  /** Where the tenant's limits say nothing else. */
  readonly eventsPerTenantPerSecond: number;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}

/**
 * Counts what is published over all processes, each limit at whom it is about: one address cannot use up a person's, nor one
 * person a tenant's.
 */
export class Quotas {
  readonly #settings: QuotaSettings;
  readonly #byAddress: Rate;
  readonly #bySubject: Rate;
  readonly #byTenant: Rate;

  constructor(counts: SharedCounts, settings: QuotaSettings) {
    const { wall } = settings;
    this.#settings = settings;
    this.#byAddress = new Rate(counts, { name: "pa", windowMs: MINUTE_MS, wall });
    this.#bySubject = new Rate(counts, { name: "pu", windowMs: MINUTE_MS, wall });
    this.#byTenant = new Rate(counts, { name: "pt", windowMs: BURST_SECONDS * 1_000, wall });
  }

  /** @throws {AppError} `too_many_requests`. An address of this host counts nothing. */
  takeRequest(address: string | undefined): void {
    if (address === undefined) return;
    requireLeft(
      this.#byAddress.take(address, this.#settings.requestsPerAddressPerMinute),
      "requests from your network",
    );
  }

  /** @throws {AppError} `too_many_requests`; `limit_exceeded` for more events at once than there may be in a minute. */
  takeOfSubject(tenant: string, subject: string, events: number): void {
    const limit = this.#settings.eventsPerSubjectPerMinute;
    requirePossible(events, limit, "you may publish in a minute");
    requireLeft(this.#bySubject.take(compositeKey(tenant, subject), limit, events), "events of yours");
  }

  /**
   * `perSecond` is the tenant's own limit, where it has one.
   * @throws {AppError} `too_many_requests`; `limit_exceeded` for more events at once than there may be in ten seconds.
   */
  takeOfTenant(tenant: string, events: number, perSecond: number | undefined): void {
    const limit = (perSecond ?? this.#settings.eventsPerTenantPerSecond) * BURST_SECONDS;
    requirePossible(events, limit, `the tenant may publish in ${BURST_SECONDS} seconds`);
    requireLeft(this.#byTenant.take(tenant, limit, events), "events of this tenant");
  }
}

function requirePossible(events: number, limit: number, what: string): void {
  if (events > limit) throw new AppError("limit_exceeded", `${events} events are more than ${what}: ${limit}`);
}

function requireLeft(waitMs: number | undefined, what: string): void {
  if (waitMs === undefined) return;
  const retryAfterSeconds = Math.ceil(waitMs / 1_000);
  throw new AppError("too_many_requests", `too many ${what}; try again later`, { retryAfterSeconds });
}
