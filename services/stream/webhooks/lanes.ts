import { LRUCache } from "lru-cache";
import { fairLimiter } from "#shared/async/fair-limiter.ts";
import { compositeKey } from "#shared/protocol/composite-key.ts";
import { HostBreaker, type HostNews } from "./host-breaker.ts";

/** Hosts whose state is remembered: whoever may make a subscription may name any number. */
const MAX_HOSTS = 10_000;

/** How many messages may be under way at a time. */
export interface LaneLimits {
  readonly perHost: number;
  readonly perTenant: number;
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

type Limiter = ReturnType<typeof fairLimiter>;

/**
 * Lets a bounded number of messages be under way, to each host, of each tenant and in all, and none to a host that is away. Tenants get
 * their turns one by one, and one tenant's trouble with a host is no other's.
 */
export class Lanes {
  readonly #deps: LanesDeps;
  readonly #all: Limiter;
  readonly #tenants = new LRUCache<string, Limiter>({ max: MAX_HOSTS });
  readonly #hosts = new LRUCache<string, Limiter>({ max: MAX_HOSTS });
  readonly #breakers = new LRUCache<string, HostBreaker>({ max: MAX_HOSTS });

  constructor(deps: LanesDeps) {
    this.#deps = deps;
    this.#all = fairLimiter(deps.inAll);
  }

  /** Runs `post` when it is its turn; `newsOf` says what its answer tells of the host. */
  async run<Answer>(
    { tenant, host }: Route,
    post: () => Promise<Answer>,
    newsOf: (answer: Answer) => HostNews,
  ): Promise<Answer> {
    for (;;) {
      const breaker = this.#breakerOf(tenant, host);
      await breaker.mayTry();
      const answer = await this.#inTurn({ tenant, host }, async () => {
        if (!breaker.admit()) return "later" as const;
        const posted = await post();
        breaker.note(newsOf(posted));
        return { posted };
      });
      if (answer !== "later") return answer.posted;
    }
  }

  /** The narrowest first: who waits for a host takes no turn of others. */
  #inTurn<Answer>({ tenant, host }: Route, task: () => Promise<Answer>): Promise<Answer> {
    const limitHost = this.#hosts.get(host) ?? fairLimiter(this.#deps.perHost);
    const limitTenant = this.#tenants.get(tenant) ?? fairLimiter(this.#deps.perTenant);
    this.#hosts.set(host, limitHost);
    this.#tenants.set(tenant, limitTenant);
    return limitHost(tenant, () => limitTenant(host, () => this.#all(tenant, task)));
  }

  #breakerOf(tenant: string, host: string): HostBreaker {
    const key = compositeKey(tenant, host);
    const known = this.#breakers.get(key);
    if (known !== undefined) return known;
    const { now, onSwitch } = this.#deps;
    const breaker = new HostBreaker(now, (isOpen) => onSwitch(tenant, host, isOpen));
    this.#breakers.set(key, breaker);
    return breaker;
  }
}
