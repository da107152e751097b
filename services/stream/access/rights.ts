import type { TenantTurns } from "../turns/share.ts";
import type { Decisions } from "./decisions.ts";
import { type Grant, STILL_VALID } from "./grant.ts";
import { type Decided, TopicRights } from "./topic-rights.ts";

/** Which topics of subscriptions are granted in one tenant; found out once for each grant and list of topics. */
export class Rights {
  readonly #decisions: Decisions;
  readonly #turns: Pick<TenantTurns, "next">;

  constructor(decisions: Decisions, turns: Pick<TenantTurns, "next">) {
    this.#decisions = decisions;
    this.#turns = turns;
  }

  /**
   * Asks policy for decisions that the topics may need, so that few are missing later on: for 64 at most, because a large event
   * map and a wide pattern may need a thousand. Resolves in one of the tenant's turns.
   * @throws {AppError} `unavailable` or `tenant_unknown`.
   */
  async prepare(grant: Grant, topics: readonly string[]): Promise<void> {
    await this.#turns.next();
    const rights = this.under(grant, topics);
    if (rights.missing.size === 0) return;
    await this.#askMissing(grant, rights);
    await this.#turns.next();
  }

  /** Which of the topics are granted, as far as one step suffices to find out; `settle` finds out the rest. */
  under(grant: Grant, topics: readonly string[]): TopicRights {
    const known = grant.rights.get(topics);
    const isKnown = known !== undefined && this.#isPresent(grant, known);
    const rights = isKnown ? known : new TopicRights(topics, [this.#decisions.eventMapEdition, grant.edition]);
    if (!isKnown) grant.rights.set(topics, rights);
    if (rights.isOpen) rights.look(this.#decidedFor(grant));
    return rights;
  }

  /**
   * Finds out everything that can be: a step in each of the tenant's turns, and 64 questions to policy at a time. Ends early
   * where decisions change: rights are found out anew then.
   * @throws {AppError} `unavailable` or `tenant_unknown`; the rest stays uncertain.
   */
  settle(grant: Grant, rights: TopicRights): Promise<void> {
    rights.settling ??= this.#settle(grant, rights).finally(() => (rights.settling = undefined));
    return rights.settling;
  }

  async #settle(grant: Grant, rights: TopicRights): Promise<void> {
    const decided = this.#decidedFor(grant);
    while (!rights.isSettled && this.#isPresent(grant, rights)) {
      if (!rights.isOpen) await this.#askMissing(grant, rights);
      await this.#turns.next();
      rights.look(decided);
    }
  }

  async #askMissing(grant: Grant, rights: TopicRights): Promise<void> {
    await Promise.all(Array.from(rights.missing, (permission) => this.#decisions.ask(grant, permission)));
    rights.answered();
  }

  /** Whether nothing has changed that the rights rest on. */
  #isPresent(grant: Grant, { editions: [eventMap, decisions] }: TopicRights): boolean {
    return eventMap === this.#decisions.eventMapEdition && decisions === grant.edition;
  }

  #decidedFor(grant: Grant): Decided {
    return {
      permissionsUnder: (topic, effort) => this.#decisions.permissionsUnder(topic, effort),
      residualOf: (permission) => grant.residualAt(permission, STILL_VALID),
    };
  }
}
