import type { Grant } from "../access/grant.ts";
import { formatKey } from "../sse/encode-frame.ts";
import { Audience, type AudienceDeps, type AudienceKey } from "./audience.ts";
import { TopicIndex } from "./topic-index.ts";

/** A tenant's audiences, by key and by topic. */
export class Audiences implements Iterable<Audience> {
  readonly #deps: AudienceDeps;
  readonly #all = new Set<Audience>();
  /** By grant and by list of topics; those of one list differ in what their members read. */
  readonly #byKey = new Map<Grant, Map<readonly string[], readonly Audience[]>>();
  readonly #byTopic = new TopicIndex<Audience>();

  constructor(deps: AudienceDeps) {
    this.#deps = deps;
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
    const byTopics = this.#byKey.get(key.grant) ?? new Map<readonly string[], readonly Audience[]>();
    const siblings = byTopics.get(key.topics) ?? [];
    const known = siblings.find((sibling) => readsTheSame(sibling.key, key));
    if (known !== undefined) return known;
    const audience = new Audience(key, this.#deps);
    this.#all.add(audience);
    this.#byKey.set(key.grant, byTopics.set(key.topics, [...siblings, audience]));
    this.#byTopic.add(key.topics, audience);
    return audience;
  }

  /** Drops the audience if it has no members. */
  dropIfEmpty(audience: Audience): void {
    if (audience.size > 0 || !this.#all.delete(audience)) return;
    const { grant, topics } = audience.key;
    this.#byTopic.remove(topics, audience);
    const byTopics = this.#byKey.get(grant);
    const left = byTopics?.get(topics)?.filter((sibling) => sibling !== audience) ?? [];
    if (left.length > 0) byTopics?.set(topics, left);
    else byTopics?.delete(topics);
    if (byTopics?.size === 0) this.#byKey.delete(grant);
  }

  /** Begins to write what is pending in every audience; answers whether nothing is left to write. */
  flush(): boolean {
    let isWritten = true;
    for (const audience of this) isWritten = audience.flush() && isWritten;
    return isWritten;
  }
}

function readsTheSame({ format, coding }: AudienceKey, other: AudienceKey): boolean {
  return formatKey(format) === formatKey(other.format) && coding.name === other.coding.name;
}
