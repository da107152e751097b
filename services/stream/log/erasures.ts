import { isDeepStrictEqual } from "node:util";
import type { ErasedEntry } from "#shared/contract/control-entry.ts";
import { parseEventId } from "#shared/protocol/event-id.ts";
import { topicMatches } from "#shared/protocol/topics.ts";
import type { EventEntry } from "../event.ts";

/** A purge follows its entry at once and takes no longer than this. Meanwhile JetStream may serve erased events. */
const PURGE_TAKES_AT_MOST_MS = 600_000;

/** How many a log remembers. Every event from JetStream is compared with each of them: more would make reading slow. */
export const MAX_ERASURES = 128;

/** The erasure that one entry of the log announces. */
export interface Erasure {
  /** Whether nobody may be served this event any more. */
  covers(event: EventEntry): boolean;
}

/** A tenant's recent erasures: JetStream may still have those events, and readers may have fetched them. */
export class Erasures {
  readonly #recent: { readonly entry: ErasedEntry; readonly erasure: Erasure; readonly at: number }[] = [];
  #purges = 0;
  #edition = 0;
  /** Whether the log is purged at some time after its entry: none is forgotten for its age. */
  isPurgedLate = false;

  /** How many purges were noticed that no entry announced. What was fetched before the last is fetched again. */
  get purges(): number {
    return this.#purges;
  }

  /** Rises with each erasure and each purge, and where another log begins: whoever has events in hand looks whether it has. */
  get edition(): number {
    return this.#edition;
  }

  /** Adds an entry of the log, read at the monotonic time `now`. Of a mirror it may be known before it comes. */
  add(entry: ErasedEntry, now: number): Erasure {
    const known = this.#recent.findIndex((each) => isDeepStrictEqual(each.entry, entry));
    const erasure = this.#recent[known]?.erasure ?? createErasure(entry);
    if (known >= 0) this.#recent.splice(known, 1);
    this.#edition += 1;
    this.#recent.push({ entry, erasure, at: now });
    const mostMs = this.isPurgedLate ? Number.POSITIVE_INFINITY : PURGE_TAKES_AT_MOST_MS;
    while (this.#recent.length > MAX_ERASURES || now - (this.#recent[0]?.at ?? now) > mostMs) this.#recent.shift();
    return erasure;
  }

  covers(event: EventEntry): boolean {
    return this.#recent.some(({ erasure }) => erasure.covers(event));
  }

  countPurge(): void {
    this.#purges += 1;
    this.#edition += 1;
  }

  /** Forgets all of them: it is another log, whose sequences mean other messages. */
  clear(): void {
    this.#recent.length = 0;
    this.#edition += 1;
  }
}

function createErasure(entry: ErasedEntry): Erasure {
  const { through } = entry;
  if ("subject" in entry) {
    const { subject } = entry;
    // A tail may hold half a million events, and most topics already differ before the first or after the last wildcard:
    // comparing these parts takes a tenth of the time of a match.
    const beginning = subject.slice(0, subject.search(/[*>]|$/));
    const end = /[^*>]*$/.exec(subject)?.[0] ?? "";
    return {
      covers: ({ position, topic }) =>
        position.seq <= through && topic.endsWith(end) && topic.startsWith(beginning) && topicMatches(subject, topic),
    };
  }
  const tags = new Map<number, string>();
  // The log may have got another epoch since: it is the tag that names the message.
  for (const id of entry.ids.map(parseEventId)) {
    if (id !== undefined && id.position.seq <= through) tags.set(id.position.seq, id.position.tag);
  }
  return { covers: ({ position: { seq, tag } }) => tags.get(seq) === tag };
}
