import { patternCovers, patternsOverlap, topicMatches } from "#shared/contract/topics.ts";

/** What is left to decide per event once grant and permission are known; evaluated without asking anybody. */
export interface Residual {
  /** Whether an event with this topic may be seen. Deny beats allow, silence denies. */
  allows(topic: string): boolean;
  /** Whether any topic under the pattern may be seen; false only where certainly none may. */
  allowsUnder(pattern: string): boolean;
}

/** Makes a residual of topic patterns. */
export function createResidual(allow: readonly string[], deny: readonly string[]): Residual {
  const all = allow.includes(">");
  return {
    allows(topic) {
      if (deny.some((pattern) => topicMatches(pattern, topic))) return false;
      return all || allow.some((pattern) => topicMatches(pattern, topic));
    },
    allowsUnder(wanted) {
      if (deny.some((pattern) => patternCovers(pattern, wanted))) return false;
      return allow.some((pattern) => patternsOverlap(pattern, wanted));
    },
  };
}
