import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";

/** The share of the places open to all that only those take who had a stream, or have none. */
const KEPT_SHARE = 0.05;

/** The tiers with places of their own, and the percentage of all places that each has. */
export type PoolShares = ReadonlyMap<string, number>;

const shareSchema = z.tuple([nameSchema, z.coerce.number().int().min(1).max(100)]);

/** `<tier>=<percentage>`, with commas between. */
export const poolsSchema = z
  .string()
  .default("premium=10")
  .transform((text, context): PoolShares => {
    const entries = text.split(",").filter((entry) => entry.trim() !== "" && entry.trim() !== "none");
    const shares = entries.map((entry) => shareSchema.safeParse(entry.trim().split("=")));
    const isWhole = shares.every(({ success }) => success);
    const pools = new Map(shares.flatMap(({ data }) => (data === undefined ? [] : [data])));
    const sum = [...pools.values()].reduce((total, share) => total + share, 0);
    if (isWhole && pools.size === entries.length && sum <= 100) return pools;
    context.addIssue({ code: "custom", message: "must be like premium=20,basic=10, at most 100 together, or none" });
    return z.NEVER;
  });

/** Who asks for a place. */
export interface PlaceSeeker {
  readonly tier: string;
  /** Comes back to a stream that it had, or has none: such people come before anybody's eleventh stream. */
  readonly isFirst: boolean;
  /** How many places its tenant has. */
  readonly ofTenant: number;
}

/**
 * The places of this worker, divided among tiers. A tier's own places are for its tenants alone; when they are taken it goes on in
 * those that are open to all. The last of these are kept for people who come back or have no stream yet, and of them half for
 * tenants that do not have most of the places already.
 */
export class Pools {
  readonly #places: number;
  readonly #own: ReadonlyMap<string, number>;
  readonly #open: number;
  readonly #kept: number;
  readonly #taken = new Map<string, number>();
  #all = 0;
  /** Taken of the places that are open to all. */
  #shared = 0;

  constructor(places: number, shares: PoolShares) {
    this.#places = places;
    this.#own = new Map(Array.from(shares, ([tier, share]) => [tier, Math.floor((places * share) / 100)]));
    this.#open = places - [...this.#own.values()].reduce((sum, own) => sum + own, 0);
    this.#kept = Math.floor(this.#open * KEPT_SHARE);
  }

  /** All places that are taken. */
  get taken(): number {
    return this.#all;
  }

  /** Whether what is left is not for everybody: who asks has to be known first. */
  get isScarce(): boolean {
    return this.#open - this.#shared <= this.#kept;
  }

  /** For each tier with places of its own, and for what is open to all: how many places there are, and how many are taken. */
  *usage(): Iterable<{ readonly pool: string; readonly places: number; readonly taken: number }> {
    for (const [pool, places] of this.#own) yield { pool, places, taken: Math.min(places, this.#takenBy(pool)) };
    yield { pool: "shared", places: this.#open, taken: this.#shared };
  }

  /** Whether there is a place. */
  hasPlace({ tier, isFirst, ofTenant }: PlaceSeeker): boolean {
    if (this.#takenBy(tier) < this.#ownOf(tier)) return true;
    const left = this.#open - this.#shared;
    if (left > this.#kept || !isFirst) return left > this.#kept;
    return 2 * ofTenant > this.#places ? left > this.#kept / 2 : left > 0;
  }

  take(tier: string): void {
    if (this.#takenBy(tier) >= this.#ownOf(tier)) this.#shared += 1;
    this.#taken.set(tier, this.#takenBy(tier) + 1);
    this.#all += 1;
  }

  give(tier: string): void {
    const left = this.#takenBy(tier) - 1;
    if (left >= this.#ownOf(tier)) this.#shared -= 1;
    if (left === 0) this.#taken.delete(tier);
    else this.#taken.set(tier, left);
    this.#all -= 1;
  }

  #takenBy(tier: string): number {
    return this.#taken.get(tier) ?? 0;
  }

  #ownOf(tier: string): number {
    return this.#own.get(tier) ?? 0;
  }
}
