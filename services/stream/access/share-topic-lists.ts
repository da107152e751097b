import { WeakValues } from "./weak-values.ts";

/** Gives equal lists of topics one object, for as long as a stream has it: audiences and rights are found by it. */
export type ShareTopics = (topics: readonly string[]) => readonly string[];

/** Shares lists between all streams of an edge; `random` keeps clients from choosing lists that are taken for one another. */
export function shareTopicLists(random: () => number = Math.random): ShareTopics {
  const seed = Math.trunc(random() * 2 ** 32);
  const shared = new WeakValues<number, readonly string[]>();
  return (topics) => {
    const hash = hashOf(topics, seed);
    const known = shared.get(hash);
    if (known !== undefined && areSameTopics(known, topics)) return known;
    // Two lists with one hash: the first one is not shared any more, which costs memory alone.
    shared.set(hash, topics);
    return topics;
  };
}

/** FNV-1a, 32 bits, from a beginning that nobody knows who would choose two lists with one hash. */
function hashOf(topics: readonly string[], seed: number): number {
  let hash = seed;
  for (const topic of topics) {
    for (let index = 0; index < topic.length; index += 1) hash = Math.imul(hash ^ topic.charCodeAt(index), 0x01000193);
    hash = Math.imul(hash ^ 0xff, 0x01000193);
  }
  return hash | 0;
}

/** Whether two lists have the same topics in the same order. */
export function areSameTopics(topics: readonly string[], others: readonly string[]): boolean {
  return topics === others || (topics.length === others.length && topics.every((topic, at) => topic === others[at]));
}
