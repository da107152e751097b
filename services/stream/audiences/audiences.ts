import type { Grant } from "../access/grant.ts";
import { formatKey } from "../frames/encode-frame.ts";
import { Audience, type AudienceDeps, type AudienceKey, type Member } from "./audience.ts";
import { LiveRoster } from "./live-roster.ts";
import { TopicIndex } from "./topic-index.ts";

/** A tenant's audiences, by key and by topic. */
export class Audiences implements Iterable<Audience> {
  readonly #deps: AudienceDeps;
  /** The members of all of them. */
  readonly live = new LiveRoster<Member>();
  readonly #all = new Set<Audience>();
  /** By grant and by list of topics; those of one list differ in what their members read. */
  readonly #byKey = new Map<Grant, Map<readonly string[], readonly Audience[]>>();
  readonly #byTopic = new TopicIndex<Audience>();

  constructor(deps: Omit<AudienceDeps, "live">) {
    this.#deps = { ...deps, live: this.live };
  }

  [Symbol.iterator](): Iterator<Audience> {
    return this.#all.values();
  }

  /** Whether no live reader is in any. */
  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /** The audiences that asked for this topic. */
  match(topic: string): readonly Audience[] {
    return this.#byTopic.match(topic);
  }

  /** The audience of this key, made where there is none. */
  of(key: AudienceKey): Audience {
    const siblings = this.#byKey.get(key.grant)?.get(key.topics) ?? [];
    const known = siblings.find((sibling) => readsTheSame(sibling.key, key));
    if (known !== undefined) return known;
    const audience = new Audience(key, this.#deps);
    this.#all.add(audience);
    this.#register(audience);
    this.#byTopic.add(key.topics, audience);
    return audience;
  }

  /**
   * Gives an audience without members other topics, for the one reader that has left it and comes back: that costs as much as the topics
   * that differ. Does nothing where it has members, or others have an audience with these topics.
   */
  rekey(audience: Audience, topics: readonly string[]): void {
    if (audience.size > 0 || !this.#all.has(audience) || audience.key.topics === topics) return;
    const { grant, topics: before } = audience.key;
    if (this.#byKey.get(grant)?.has(topics) === true) return;
    const [old, next] = [new Set(before), new Set(topics)];
    this.#unregister(audience);
    audience.rekey(topics);
    this.#register(audience);
    this.#byTopic.remove([...old.difference(next)], audience);
    this.#byTopic.add([...next.difference(old)], audience);
  }

  /** Drops the audience if it has no members. */
  dropIfEmpty(audience: Audience): void {
    if (audience.size > 0 || !this.#all.delete(audience)) return;
    this.#byTopic.remove(audience.key.topics, audience);
    this.#unregister(audience);
  }

  /** Begins to write what is pending in every audience; answers whether nothing is left to write. */
  flush(): boolean {
    let isWritten = true;
    for (const audience of this) isWritten = audience.flush() && isWritten;
    return isWritten;
  }

  #register(audience: Audience): void {
    const { grant, topics } = audience.key;
    const byTopics = this.#byKey.get(grant) ?? new Map<readonly string[], readonly Audience[]>();
    this.#byKey.set(grant, byTopics.set(topics, [...(byTopics.get(topics) ?? []), audience]));
  }

  #unregister(audience: Audience): void {
    const { grant, topics } = audience.key;
    const byTopics = this.#byKey.get(grant);
    const left = byTopics?.get(topics)?.filter((sibling) => sibling !== audience) ?? [];
    if (left.length > 0) byTopics?.set(topics, left);
    else byTopics?.delete(topics);
    if (byTopics?.size === 0) this.#byKey.delete(grant);
  }
}

function readsTheSame({ format, coding, isPaced }: AudienceKey, other: AudienceKey): boolean {
  return (
    formatKey(format) === formatKey(other.format) &&
    coding.name === other.coding.name &&
    (isPaced === true) === (other.isPaced === true)
  );
}
