import { hash } from "node:crypto";
import {
  byName,
  type Listener,
  MARK_CHARACTERS,
  MAX_COUNTED,
  MAX_TOPICS_LISTED,
  type PresenceAnswer,
  type PresenceQuestion,
} from "./presence-question.ts";

/** Topics told of one person take no more than this many characters: a message holds 1 MB. */
const MAX_TOPIC_CHARACTERS = 256 * 1_024;

/** The list is cut back to its limit when it has become so many times as long: to sort ten thousand at once takes 10 ms. */
const SLACK = 4;

/** Collects the people who listen, connection by connection, and keeps no more of them than the question asks for. */
export class ListenerList {
  readonly #question: PresenceQuestion;
  readonly #people = new Map<string, Listener>();
  readonly #marked = new Set<string>();
  readonly #marks: string[] = [];
  readonly #topics = new Set<string>();
  #topicCharacters = 0;
  #devices = 0;
  /** Names behind this one are beyond the limit; undefined while all are within it. */
  #last: string | undefined;
  #hasMore = false;

  constructor(question: PresenceQuestion) {
    this.#question = question;
  }

  /** Adds a connection of a person, who listens by it to these topics. */
  add(subject: string, sinceMs: number, topics: readonly string[]): void {
    this.#devices += 1;
    if (this.#question.wants === "count") return this.#mark(subject);
    if (this.#question.wants === "topics") this.#addTopics(topics);
    if (subject <= this.#question.after) return;
    if (this.#last !== undefined && subject > this.#last) return;
    const known = this.#people.get(subject);
    const since = Math.min(sinceMs, known?.sinceMs ?? sinceMs);
    this.#people.set(subject, { subject, sinceMs: since, devices: (known?.devices ?? 0) + 1 });
    if (this.#people.size > SLACK * Math.max(1, this.#question.limit)) this.#cut();
  }

  /** What was found. */
  answer(): PresenceAnswer {
    this.#cut();
    return {
      people: [...this.#people.values()].toSorted(byName),
      hasMore: this.#hasMore,
      devices: this.#devices,
      marks: this.#marks.join(""),
      topics: [...this.#topics],
    };
  }

  #cut(): void {
    const { limit } = this.#question;
    if (this.#people.size <= limit) return;
    const names = [...this.#people.values()].toSorted(byName);
    for (const { subject } of names.slice(limit)) this.#people.delete(subject);
    this.#last = names[limit - 1]?.subject ?? "";
    this.#hasMore = true;
  }

  /** A mark instead of the name: it is short, and enough to tell who is counted twice. */
  #mark(subject: string): void {
    if (this.#marked.has(subject)) return;
    if (this.#marks.length >= MAX_COUNTED) return void (this.#hasMore = true);
    this.#marked.add(subject);
    this.#marks.push(hash("sha256", subject, "base64url").slice(0, MARK_CHARACTERS));
  }

  #addTopics(topics: readonly string[]): void {
    for (const topic of topics) {
      if (this.#topics.has(topic)) continue;
      this.#topicCharacters += topic.length;
      if (this.#topics.size >= MAX_TOPICS_LISTED || this.#topicCharacters > MAX_TOPIC_CHARACTERS) {
        return void (this.#hasMore = true);
      }
      this.#topics.add(topic);
    }
  }
}
