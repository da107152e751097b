import { AppError } from "#shared/errors/app-error.ts";
import { parseEventId } from "#shared/protocol/event-id.ts";
import { MAX_TOPICS } from "./stream-parameters.ts";
import type { KeptChange, KeptTopics } from "./topic-store.ts";

/** Topics to add to a stream and to remove from it; no pattern is in both. */
export interface TopicChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** A change that is worked out: what it really adds and removes, and all topics after it. */
export interface PlannedChange {
  readonly topics: readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

const NO_CHANGES: KeptTopics = { added: new Map(), removed: new Set() };

/** The characters of all topics of a stream that changes them: so much is kept for each client, and sent with each answer. */
const MAX_CHARACTERS = 32 * 1_024;

/** The topics of one stream: those of its URL, and what its changes have made of them. It does not change itself. */
export class StreamTopics {
  readonly #base: ReadonlySet<string>;
  readonly #added: ReadonlyMap<string, string>;
  readonly #removed: ReadonlySet<string>;

  constructor(base: ReadonlySet<string>, { added, removed }: KeptTopics = NO_CHANGES) {
    this.#base = base;
    this.#added = added;
    this.#removed = removed;
  }

  /** Every topic, sorted. */
  get all(): readonly string[] {
    return [...this.#base.difference(this.#removed).union(new Set(this.#added.keys()))].toSorted();
  }

  /** Each added pattern with the id of the position behind which it counts. */
  get added(): ReadonlyMap<string, string> {
    return this.#added;
  }

  /** Of the ids behind which these patterns count, the latest; undefined where none of them was added. */
  latestOf(topics: readonly string[]): string | undefined {
    const ids = topics.flatMap((topic) => this.#added.get(topic) ?? []);
    return ids.toSorted((one, other) => seqOf(one) - seqOf(other)).at(-1);
  }

  /** The change that leaves the URL's topics. */
  get reset(): TopicChange {
    return {
      add: [...this.#base].filter((topic) => !this.#has(topic)),
      remove: [...this.#added.keys()].filter((topic) => !this.#base.has(topic)),
    };
  }

  /**
   * Works a change out; undefined where it changes nothing.
   * @throws {AppError} `malformed_topic` where the topics would be too many or too long together.
   */
  plan({ add, remove }: TopicChange): PlannedChange | undefined {
    const added = [...new Set(add)].filter((topic) => !this.#has(topic));
    const removed = [...new Set(remove)].filter((topic) => this.#has(topic));
    if (added.length + removed.length === 0) return undefined;
    const topics = [...new Set(this.all).difference(new Set(removed)), ...added].toSorted();
    if (added.length > 0) requireRoom(topics);
    return { topics, added, removed };
  }

  /** What of the change has to be kept when it counts behind the position of this id. */
  keptChange({ added, removed }: PlannedChange, from: string): KeptChange {
    return {
      added: new Map(added.map((topic) => [topic, from])),
      removed: removed.filter((topic) => this.#base.has(topic)),
      reset: [...added, ...removed].filter((topic) => this.#added.has(topic) || this.#removed.has(topic)),
      isWhole: false,
    };
  }

  /** All that has to be kept. */
  get keptWhole(): KeptChange {
    return { added: this.#added, removed: this.#removed, reset: [], isWhole: true };
  }

  /** The topics after a change that counts behind the position of this id. */
  after({ added, removed }: PlannedChange, from: string): StreamTopics {
    const [allAdded, allRemoved] = [new Map(this.#added), new Set(this.#removed)];
    for (const topic of removed) {
      allAdded.delete(topic);
      if (this.#base.has(topic)) allRemoved.add(topic);
    }
    for (const topic of added) {
      allRemoved.delete(topic);
      allAdded.set(topic, from);
    }
    return new StreamTopics(this.#base, { added: allAdded, removed: allRemoved });
  }

  #has(topic: string): boolean {
    return this.#added.has(topic) || (this.#base.has(topic) && !this.#removed.has(topic));
  }
}

function seqOf(id: string): number {
  return parseEventId(id)?.position.seq ?? 0;
}

function requireRoom(topics: readonly string[]): void {
  if (topics.length > MAX_TOPICS) {
    throw new AppError(
      "malformed_topic",
      `the stream would have ${topics.length} topics; at most ${MAX_TOPICS} are taken`,
    );
  }
  const characters = topics.reduce((sum, topic) => sum + topic.length, 0);
  if (characters <= MAX_CHARACTERS) return;
  const message = `the stream's topics would have ${characters} characters together; at most ${MAX_CHARACTERS} are taken`;
  throw new AppError("malformed_topic", message);
}
