import { WeakValues } from "./weak-values.ts";

/** Gives equal lists of topics one object, for as long as a stream has it: audiences and rights are found by it. */
export type ShareTopics = (topics: readonly string[]) => readonly string[];

/** Shares lists between all streams of an edge. */
export function shareTopicLists(): ShareTopics {
  const shared = new WeakValues<number, readonly string[]>();
  return (topics) => {
    const hash = hashOf(topics);
    const known = shared.get(hash);
    if (known !== undefined && areEqual(known, topics)) return known;
    const own = topics.map(detach);
    // Two lists with one hash: the first one is not shared any more, which costs memory alone.
    shared.set(hash, own);
    return own;
  };
}

/** A copy of a topic, which is ASCII. V8 makes parts of a text as views of it: a topic would keep its whole URL in memory. */
function detach(topic: string): string {
  return Buffer.from(topic, "latin1").toString("latin1");
}

/** FNV-1a, 32 bits. */
function hashOf(topics: readonly string[]): number {
  let hash = 0x811c9dc5;
  for (const topic of topics) {
    for (let index = 0; index < topic.length; index += 1) hash = Math.imul(hash ^ topic.charCodeAt(index), 0x01000193);
    hash = Math.imul(hash ^ 0xff, 0x01000193);
  }
  return hash | 0;
}

function areEqual(texts: readonly string[], others: readonly string[]): boolean {
  return texts.length === others.length && texts.every((text, index) => text === others[index]);
}
