import { patternsOverlap, topicMatches } from "#shared/protocol/topics.ts";
import { TopicIndex } from "./topic-index.ts";

/** What a live reader asks for. Equal lists are one and the same. */
export interface Asker {
  readonly topics: readonly string[];
  /** Those among them under which it can be delivered something. */
  readonly liveTopics: readonly string[];
}

/** Live readers that ask for the same, and are granted the same of it. */
interface Group extends Asker {
  readonly ungranted: readonly string[];
  /** Live topics that can match what an ungranted one matches, mostly none; undefined until the group is found. */
  overlapping: readonly string[] | undefined;
  readers: number;
}

/**
 * Counts a tenant's live readers, and finds those that ask for a topic of which nothing is granted to them: no audience of theirs is
 * asked about it. Only readers with such topics cost anything.
 */
export class LiveRoster<Member extends { readonly registration: Asker }> {
  readonly #groups = new Map<readonly string[], Map<readonly string[], Group>>();
  readonly #groupOf = new Map<Member, Group>();
  readonly #byTopic = new TopicIndex<Group>();
  #size = 0;

  /** How many readers are live. */
  get size(): number {
    return this.#size;
  }

  add(member: Member): void {
    const { registration: asker } = member;
    this.#size += 1;
    if (asker.topics === asker.liveTopics) return;
    const group = this.#groups.get(asker.topics)?.get(asker.liveTopics) ?? this.#begin(asker);
    group.readers += 1;
    this.#groupOf.set(member, group);
  }

  /** Takes out a reader that was added. */
  remove(member: Member): void {
    this.#size -= 1;
    const group = this.#groupOf.get(member);
    if (group === undefined) return;
    this.#groupOf.delete(member);
    group.readers -= 1;
    if (group.readers === 0) this.#end(group);
  }

  /** How many readers ask for a topic of which they may see nothing. */
  askInVain(topic: string): number {
    if (this.#groupOf.size === 0) return 0;
    let readers = 0;
    for (const group of this.#byTopic.match(topic)) {
      // Where another topic of theirs is granted that matches, too, their audience is asked.
      if (!overlapping(group).some((live) => topicMatches(live, topic))) readers += group.readers;
    }
    return readers;
  }

  #begin({ topics, liveTopics }: Asker): Group {
    const live = new Set(liveTopics);
    const ungranted = topics.filter((topic) => !live.has(topic));
    const group: Group = { topics, liveTopics, ungranted, overlapping: undefined, readers: 0 };
    const byLive = this.#groups.get(topics) ?? new Map<readonly string[], Group>();
    this.#groups.set(topics, byLive.set(liveTopics, group));
    this.#byTopic.add(group.ungranted, group);
    return group;
  }

  #end(group: Group): void {
    const byLive = this.#groups.get(group.topics);
    byLive?.delete(group.liveTopics);
    if (byLive?.size === 0) this.#groups.delete(group.topics);
    this.#byTopic.remove(group.ungranted, group);
  }
}

/** Found out once: thousands of groups may ask for an event, and each has up to a hundred live topics. */
function overlapping(group: Group): readonly string[] {
  const { liveTopics, ungranted } = group;
  return (group.overlapping ??= liveTopics.filter((live) => ungranted.some((topic) => patternsOverlap(live, topic))));
}
