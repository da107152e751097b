import { Audience, type AudienceDeps, type AudienceKey, formatAudienceKey } from "./audience.ts";
import { TopicIndex } from "./topic-index.ts";

/** A tenant's audiences, by key and by topic. */
export class Audiences implements Iterable<Audience> {
  readonly #deps: AudienceDeps;
  readonly #all = new Set<Audience>();
  readonly #byKey = new Map<string, Audience>();
  readonly #byTopic = new TopicIndex<Audience>();

  constructor(deps: AudienceDeps) {
    this.#deps = deps;
  }

  [Symbol.iterator](): Iterator<Audience> {
    return this.#all.values();
  }

  /** The audiences that asked for this topic. */
  match(topic: string): readonly Audience[] {
    return this.#byTopic.match(topic);
  }

  /** The audience of this key, made where there is none. */
  of(key: AudienceKey): Audience {
    const text = formatAudienceKey(key);
    const known = this.#byKey.get(text);
    if (known !== undefined && known.key.grant === key.grant) return known;
    const audience = new Audience(key, this.#deps);
    this.#all.add(audience);
    this.#byKey.set(text, audience);
    this.#byTopic.add(key.topics, audience);
    return audience;
  }

  /** Drops the audience if it has no members. */
  dropIfEmpty(audience: Audience): void {
    if (audience.size > 0) return;
    this.#all.delete(audience);
    this.#byTopic.remove(audience.key.topics, audience);
    const text = formatAudienceKey(audience.key);
    if (this.#byKey.get(text) === audience) this.#byKey.delete(text);
  }

  /** Begins to write what is pending in every audience; answers whether nothing is left to write. */
  flush(): boolean {
    let isWritten = true;
    for (const audience of this) isWritten = audience.flush() && isWritten;
    return isWritten;
  }
}
