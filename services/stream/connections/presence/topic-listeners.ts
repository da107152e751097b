import { intersectPatterns } from "#shared/protocol/topics.ts";
import { STILL_VALID } from "../../access/grant.ts";
import type { Registration } from "../../access/registration.ts";
import type { Tenant } from "../tenant.ts";

/** The topics of a subscription that overlap with the one asked about, each with the pattern of what they have in common. */
interface Overlap {
  readonly own: readonly string[];
  readonly common: readonly string[];
}

const NONE: readonly string[] = [];

/**
 * Who of a tenant would get an event under a topic pattern. It is found out once for each list of topics and each grant, which
 * streams share: a stream costs two look-ups.
 */
export class TopicListeners {
  readonly tenant: Tenant;
  readonly #topic: string;
  readonly #overlaps = new WeakMap<readonly string[], Overlap>();

  constructor(tenant: Tenant, topic: string) {
    [this.tenant, this.#topic] = [tenant, topic];
  }

  /**
   * The topics by which a stream would get an event; none where it listens to something else, or may see nothing of it. What
   * policy has not answered yet counts as granted, as in `ready`.
   */
  topicsOf({ grant, ended, liveTopics }: Registration): readonly string[] {
    if (grant === undefined || ended !== undefined) return NONE;
    const { own, common } = this.#overlapOf(liveTopics);
    if (common.length === 0) return NONE;
    const { rights } = this.tenant;
    let found = rights.under(grant, common);
    if (isAnswered(found.missing, (permission) => grant.residualAt(permission, STILL_VALID) !== undefined)) {
      found.answered();
      found = rights.under(grant, common);
    }
    const { live } = found;
    return live.length === common.length ? own : own.filter((_, index) => live.includes(common[index] ?? ""));
  }

  #overlapOf(topics: readonly string[]): Overlap {
    const known = this.#overlaps.get(topics);
    if (known !== undefined) return known;
    const both = topics.flatMap((own) => {
      const common = intersectPatterns(own, this.#topic);
      return common === undefined ? [] : [{ own, common }];
    });
    const overlap = { own: both.map(({ own }) => own), common: both.map(({ common }) => common) };
    this.#overlaps.set(topics, overlap);
    return overlap;
  }
}

/** Whether policy has answered all that somebody waits for: the answers were for others, who do not tell. */
function isAnswered(missing: ReadonlySet<string>, isKnown: (permission: string) => boolean): boolean {
  return missing.size > 0 && [...missing].every(isKnown);
}
