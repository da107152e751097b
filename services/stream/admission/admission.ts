import type { BusyReason } from "#shared/protocol/busy-reasons.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import { Pools, type PoolShares } from "./pools.ts";
import { Rate } from "#shared/limits/rate.ts";
import { refusalFor } from "./refusal.ts";
import type { Count, SharedCounts } from "#shared/limits/shared-counts.ts";
import type { TenantLimits } from "./tenant-limits.ts";

/** The share of places up to which clients may come back soon. */
const CALM_SHARE = 0.8;

/** What this edge allows where a tenant's limits say nothing else. */
export interface DefaultLimits {
  readonly connectionsPerSession: number;
  readonly connectionsPerSubject: number;
  readonly connectionsPerAddress: number;
  readonly handshakesPerSubjectPerMinute: number;
  /** Before the token is read there is no tenant that could say otherwise. */
  readonly handshakesPerAddressPerMinute: number;
  /** Polls are counted by themselves: an honest client may ask twice a second. */
  readonly pollsPerSubjectPerMinute: number;
  readonly pollsPerAddressPerMinute: number;
}

/** What admission goes by. */
export interface AdmissionDeps {
  /** How many streams and handshakes this worker holds. */
  readonly places: number;
  readonly pools: PoolShares;
  readonly limits: DefaultLimits;
  readonly counts: SharedCounts;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}

/** Who asks for a stream, by a verified token. */
export interface StreamOwner {
  readonly tenant: string;
  readonly subject: string;
  readonly sid: string;
  /** The client's address or network; undefined where it is this host's own. */
  readonly address: string | undefined;
  /** The client comes back with the id of its last event. */
  readonly isResume: boolean;
  /** The stream ends with its first answer, and another one is asked for at once. */
  readonly isPoll: boolean;
}

/** While places are scarce, so many handshakes a second go on to their token, which tells who may still have one. */
const IDENTIFIED_PER_SECOND = 200;

/** Of so many refusals by limits that are known, one asks policy whether they still hold. */
const ASKED_AGAIN = 16;

const MINUTE_MS = 60_000;

/** A tenant may begin this many seconds' worth of streams at once. */
const BURST_SECONDS = 10;

/** Decides whether this edge takes another stream right now, the cheapest question first. */
export class Admission {
  readonly #deps: AdmissionDeps;
  readonly #pools: Pools;
  readonly #addressRate: Rate;
  readonly #subjectRate: Rate;
  readonly #pollAddressRate: Rate;
  readonly #pollSubjectRate: Rate;
  readonly #tenantRate: Rate;
  readonly #identified = { second: 0, count: 0 };
  #refused = 0;
  #open = 0;
  #draining = false;

  constructor(deps: AdmissionDeps) {
    const { places, pools, counts, wall } = deps;
    this.#deps = deps;
    this.#pools = new Pools(places, pools);
    this.#addressRate = new Rate(counts, { name: "ha", windowMs: MINUTE_MS, wall });
    this.#subjectRate = new Rate(counts, { name: "hu", windowMs: MINUTE_MS, wall });
    this.#pollAddressRate = new Rate(counts, { name: "pa", windowMs: MINUTE_MS, wall });
    this.#pollSubjectRate = new Rate(counts, { name: "pu", windowMs: MINUTE_MS, wall });
    this.#tenantRate = new Rate(counts, { name: "ht", windowMs: BURST_SECONDS * 1_000, wall });
  }

  get open(): number {
    return this.#open;
  }

  /** The places by pool. */
  get pools(): Pick<Pools, "usage"> {
    return this.#pools;
  }

  /** How near the edge is to taking no more: 0 up to four fifths of its places, 1 with all of them taken. */
  get pressure(): number {
    return Math.max(0, (this.#open / this.#deps.places - CALM_SHARE) / (1 - CALM_SHARE));
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** Why nobody is let in right now, whoever it is; undefined where somebody may be. Changes nothing. */
  get closedBy(): BusyReason | undefined {
    if (this.#draining) return "drain";
    return this.#open >= this.#deps.places || !this.#canIdentify() ? "full" : undefined;
  }

  /** Why no request of an address is let in right now, whatever it says; undefined where one may be. Counts nothing. */
  closedTo(address: string | undefined, isPoll = false): BusyReason | undefined {
    const { closedBy } = this;
    if (closedBy !== undefined || address === undefined) return closedBy;
    const { rate, perMinute } = this.#byAddress(isPoll);
    return rate.isSpent(address, perMinute) ? "address_rate" : undefined;
  }

  /**
   * Counts a request of an address, before anything of it is read; answers why it is refused. An address of this host counts
   * nothing: it is a proxy's that is not named in STREAM_TRUSTED_PROXIES, or an operator's.
   */
  knock(address: string | undefined, isPoll = false): BusyReason | undefined {
    const closedBy = this.closedBy;
    if (closedBy !== undefined || address === undefined) return closedBy;
    const { rate, perMinute } = this.#byAddress(isPoll);
    return rate.take(address, perMinute) === undefined ? undefined : "address_rate";
  }

  /**
   * Takes a place for a handshake; give it back with `leave`.
   * @throws {AppError} `unavailable` while draining or full.
   */
  enter(): Place {
    const closedBy = this.closedBy;
    if (closedBy !== undefined) throw refusalFor(closedBy);
    if (this.#pools.isScarce) this.#identified.count += 1;
    this.#open += 1;
    return new Place(this);
  }

  /** @throws {AppError} `unavailable` while draining, which may have begun since `enter`. */
  requireServing(): void {
    if (this.#draining) throw refusalFor("drain");
  }

  drain(): void {
    this.#draining = true;
  }

  /**
   * Counts a handshake of an owner, and refuses one that is too many by what is known of the tenant's limits: auth and policy are
   * not asked for it. One in sixteen of those goes on to ask: only an answer tells that a tier allows more now. Without `limits`
   * nothing is refused.
   * @throws {AppError} `too_many_requests`, `unavailable`.
   */
  identify(owner: StreamOwner, limits: TenantLimits | undefined): void {
    const defaults = this.#deps.limits;
    const perStreams = limits?.handshakesPerSubjectPerMinute ?? defaults.handshakesPerSubjectPerMinute;
    const perMinute = limits && (owner.isPoll ? defaults.pollsPerSubjectPerMinute : perStreams);
    const subjectRate = owner.isPoll ? this.#pollSubjectRate : this.#subjectRate;
    const perBurst = limits?.handshakesPerSecond && limits.handshakesPerSecond * BURST_SECONDS;
    requireLeft(subjectRate.take(compositeKey(owner.tenant, owner.subject), perMinute ?? Infinity), "subject_rate");
    // Only now: one who asks too often must not use up what the tenant's others have.
    requireLeft(this.#tenantRate.take(owner.tenant, perBurst ?? Infinity), "tenant_rate");
    if (limits === undefined) return;
    try {
      this.requireRoom(owner, limits);
    } catch (error) {
      this.#refused += 1;
      if (this.#refused % ASKED_AGAIN !== 0) throw error;
    }
  }

  /**
   * Refuses a stream that is one too many of its session, subject, address or tenant, or of its tenant's pool. Answers what it is
   * counted under.
   * @throws {AppError} `too_many_requests`, `unavailable`.
   */
  requireRoom(owner: StreamOwner, limits: TenantLimits): Count[] {
    const { tenant, subject, sid, address, isResume } = owner;
    const { limits: defaults, counts } = this.#deps;
    const kept: Count[] = [];
    const requireRoomAt = (key: string, limit: number | undefined, reason: BusyReason): Count => {
      const count = counts.at(key);
      kept.push(count);
      if (limit === undefined || counts.hasRoom(count, limit)) return count;
      throw refusalFor(reason);
    };
    const perSession = limits.connectionsPerSession ?? defaults.connectionsPerSession;
    const perSubject = limits.connectionsPerSubject ?? defaults.connectionsPerSubject;
    const perAddress = limits.connectionsPerAddress ?? defaults.connectionsPerAddress;
    requireRoomAt(`s ${compositeKey(tenant, sid)}`, perSession, "session_streams");
    const ofSubject = requireRoomAt(`u ${compositeKey(tenant, subject)}`, perSubject, "subject_streams");
    if (address !== undefined) requireRoomAt(`a ${compositeKey(tenant, address)}`, perAddress, "address_streams");
    const ofTenant = requireRoomAt(`t ${tenant}`, limits.connections, "tenant_streams");
    const isFirst = isResume || ofSubject.own + (ofSubject.others ?? 0) === 0;
    if (this.#pools.hasPlace({ tier: limits.tier, isFirst, ofTenant: ofTenant.own })) return kept;
    throw refusalFor("full");
  }

  /** Counts a stream that begins. */
  settle(kept: readonly Count[], tier: string): void {
    for (const count of kept) this.#deps.counts.add(count);
    this.#pools.take(tier);
  }

  /** Takes back what `enter` and `settle` have counted. */
  leave(kept: readonly Count[], tier: string | undefined): void {
    this.#open -= 1;
    for (const count of kept) this.#deps.counts.add(count, -1);
    if (tier !== undefined) this.#pools.give(tier);
  }

  #byAddress(isPoll: boolean): { readonly rate: Rate; readonly perMinute: number } {
    const { handshakesPerAddressPerMinute, pollsPerAddressPerMinute } = this.#deps.limits;
    return isPoll
      ? { rate: this.#pollAddressRate, perMinute: pollsPerAddressPerMinute }
      : { rate: this.#addressRate, perMinute: handshakesPerAddressPerMinute };
  }

  /** While places are scarce: not more at once than half of what is left, nor more in a second than they may cost. */
  #canIdentify(): boolean {
    if (!this.#pools.isScarce) return true;
    const second = Math.floor(this.#deps.wall() / 1_000);
    if (second !== this.#identified.second) Object.assign(this.#identified, { second, count: 0 });
    const handshakes = this.#open - this.#pools.taken;
    const left = this.#deps.places - this.#pools.taken;
    return this.#identified.count < IDENTIFIED_PER_SECOND && handshakes < Math.max(1, left / 2);
  }
}

/** A place on this worker, from a handshake's beginning to its stream's end. */
export class Place {
  readonly #admission: Admission;
  #kept: readonly Count[] = [];
  #tier: string | undefined;

  constructor(admission: Admission) {
    this.#admission = admission;
  }

  /**
   * Counts the stream, which begins in this tick, by the tenant's limits as they are now.
   * @throws {AppError} `too_many_requests`, `unavailable`.
   */
  settle(owner: StreamOwner, limits: TenantLimits): void {
    const kept = this.#admission.requireRoom(owner, limits);
    this.#admission.settle(kept, limits.tier);
    [this.#kept, this.#tier] = [kept, limits.tier];
  }

  /** Gives the place back. */
  leave(): void {
    this.#admission.leave(this.#kept, this.#tier);
  }
}

function requireLeft(waitMs: number | undefined, reason: BusyReason): void {
  if (waitMs !== undefined) throw refusalFor(reason, Math.ceil(waitMs / 1_000));
}
