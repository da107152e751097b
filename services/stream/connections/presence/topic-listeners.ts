import { intersectPatterns } from "#shared/protocol/topics.ts";
import { STILL_VALID } from "../../access/grant.ts";
import type { Registration } from "../../access/registration.ts";
import type { Rights } from "../../access/rights.ts";

/** The topics of a subscription that overlap with the one asked about, each with the pattern of what they have in common. */
export interface Overlap {
  readonly own: readonly string[];
  readonly common: readonly string[];
}

const NONE: readonly string[] = [];
const NO_OVERLAP: Overlap = { own: NONE, common: NONE };

/** What a list of topics has in common with a topic pattern; undefined where that is nothing. */
export function findOverlap(topics: readonly string[], topic: string): Overlap | undefined {
  let found: { readonly own: string[]; readonly common: string[] } | undefined;
  for (const own of topics) {
    const common = intersectPatterns(own, topic);
    if (common === undefined) continue;
    found ??= { own: [], common: [] };
    found.own.push(own);
    found.common.push(common);
  }
  return found;
}

/**
 * The topics of an overlap by which a stream would get an event; none where its person may see nothing of it. What policy has not
 * answered yet counts as granted, as in `ready`.
 */
export function topicsHeard(
  rights: Rights,
  { grant, ended }: Registration,
  { own, common }: Overlap,
): readonly string[] {
  if (grant === undefined || ended !== undefined || common.length === 0) return NONE;
  let found = rights.under(grant, common);
  if (isAnswered(found.missing, (permission) => grant.residualAt(permission, STILL_VALID) !== undefined)) {
    found.answered();
    found = rights.under(grant, common);
  }
  const { live } = found;
  return live.length === common.length ? own : own.filter((_, index) => live.includes(common[index] ?? ""));
}

/** Whether policy has answered all that somebody waits for: the answers were for others, who do not tell. */
function isAnswered(missing: ReadonlySet<string>, isKnown: (permission: string) => boolean): boolean {
  return missing.size > 0 && [...missing].every(isKnown);
}

/** Finds by which topics streams of a tenant listen to one topic pattern, for one question: lists of topics are shared by streams. */
export function createTopicListeners(rights: Rights, topic: string): (registration: Registration) => readonly string[] {
  const overlaps = new Map<readonly string[], Overlap>();
  return (registration) => {
    const { liveTopics } = registration;
    let overlap = overlaps.get(liveTopics);
    if (overlap === undefined) {
      overlap = findOverlap(liveTopics, topic) ?? NO_OVERLAP;
      overlaps.set(liveTopics, overlap);
    }
    return topicsHeard(rights, registration, overlap);
  };
}
