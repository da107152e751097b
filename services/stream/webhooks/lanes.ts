import { LRUCache } from "lru-cache";
import { fairLimiter, sharingLimiter } from "#shared/async/fair-limiter.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import { HostBreaker, type HostNews } from "./host-breaker.ts";

/** Hosts whose state is remembered: whoever may make a subscription may name any number. One that nothing is sent to is forgotten. */
const REMEMBERED = { max: 10_000, ttl: 24 * 3_600_000, updateAgeOnGet: true, ttlResolution: 0 };

/** How many messages may be under way at a time. */
export interface LaneLimits {
  /** Of one tenant to one host. */
  readonly perHost: number;
  /** A tenant alone has half of them. */
  readonly inAll: number;
}

/** What lanes go by. */
export interface LanesDeps extends LaneLimits {
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  /** A host takes no messages of a tenant, and is left alone but for a message now and then; or it takes them again. */
  readonly onSwitch: (tenant: string, host: string, isAway: boolean) => void;
}

/** Whose message goes where. */
export interface Route {
  readonly tenant: string;
  readonly host: string;
}

/** A host that did not take the last messages. */
export type HostTrouble = { readonly host: string } & HostBreaker["trouble"];

/** One tenant's way to one host. */
interface Lane {
  readonly route: Route;
  readonly limit: ReturnType<typeof fairLimiter>;
  readonly breaker: HostBreaker;
}

/**
 * Lets a bounded number of messages be under way, and none to a host that is away. What one tenant may send to a host is bounded first:
 * who waits for that takes no turn of others, and a tenant's trouble with a host is no other's. Then tenants get their turns one by one, and
 * leave each other places: a receiver may take as long for its answer as it likes.
 */
export class Lanes {
  readonly #deps: LanesDeps;
  readonly #limitAll: Lane["limit"];
  readonly #lanes: LRUCache<string, Lane>;

  constructor(deps: LanesDeps) {
    this.#deps = deps;
    this.#lanes = new LRUCache({ ...REMEMBERED, perf: { now: deps.now } });
    this.#limitAll = sharingLimiter(deps.inAll);
  }

  /** Runs `post` when it is its turn; `newsOf` says what its answer tells of the host. */
  async run<Answer>(route: Route, post: () => Promise<Answer>, newsOf: (answer: Answer) => HostNews): Promise<Answer> {
    const { breaker, limit } = this.#laneOf(route);
    const tryOnce = async (): Promise<{ readonly posted: Answer } | "later"> => {
      if (!breaker.admit()) return "later";
      const posted = await post();
      breaker.note(newsOf(posted));
      return { posted };
    };
    for (;;) {
      await breaker.mayTry();
      const tried = await limit("", () => this.#limitAll(route.tenant, tryOnce));
      if (tried !== "later") return tried.posted;
    }
  }

  /** How many hosts are left alone, for each tenant anew. */
  get away(): number {
    let away = 0;
    for (const { breaker } of this.#lanes.values()) if (breaker.trouble.resting) away += 1;
    return away;
  }

  /** The hosts that did not take a tenant's last messages, at most so many, those that were used last first. */
  troubles(tenant: string, most: number): HostTrouble[] {
    const troubled: HostTrouble[] = [];
    for (const { route, breaker } of this.#lanes.values()) {
      if (troubled.length >= most) break;
      const { trouble } = breaker;
      if (route.tenant === tenant && trouble.failures > 0) troubled.push({ host: route.host, ...trouble });
    }
    return troubled;
  }

  #laneOf({ tenant, host }: Route): Lane {
    const key = compositeKey(tenant, host);
    const known = this.#lanes.get(key);
    if (known !== undefined) return known;
    const { now, onSwitch, perHost } = this.#deps;
    const breaker = new HostBreaker(now, (isOpen) => onSwitch(tenant, host, isOpen));
    const lane = { route: { tenant, host }, limit: fairLimiter(perHost), breaker };
    this.#lanes.set(key, lane);
    return lane;
  }
}
