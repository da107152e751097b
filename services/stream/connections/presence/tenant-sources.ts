import { randomUUID } from "node:crypto";
import type { Effort } from "../../access/pattern-trie.ts";
import type { Registration } from "../../access/registration.ts";
import { SentPeople } from "../../presence/presence-news.ts";
import { PresentList } from "../../presence/present-list.ts";
import type { Tenant } from "../tenant.ts";
import { eachListener, type PresenceHereDeps } from "./presence-here.ts";
import { findOverlap, type Overlap, topicsHeard } from "./topic-listeners.ts";

/** A topic that somebody watches, and what was told about it. */
export interface Source {
  readonly topic: string;
  readonly sent: SentPeople;
  /** When somebody last said to watch it, in monotonic milliseconds. */
  wantedAt: number;
}

/** The sources that a list of topics has something in common with, among the first so many. */
interface Matches {
  readonly upTo: number;
  readonly found: readonly { readonly source: Source; readonly overlap: Overlap }[];
}

const NO_MATCHES: Matches = { upTo: 0, found: [] };
const NO_SOURCES: readonly Source[] = [];

/**
 * The watched topics of a tenant. All are looked for in one pass over its streams, whose lists of topics remember what they match:
 * a pass costs two look-ups for each stream, whether one topic is watched or a thousand.
 */
export class TenantSources {
  readonly #sources = new Map<string, Source>();
  /** Every source, in the order in which they came; those that are over stay until there are too many of them. */
  #all: Source[] = [];
  #matches = new WeakMap<readonly string[], Matches>();
  /** How many streams had come and gone when the last pass began, and when that was; undefined before the first. */
  lastPass: { readonly changes: number; readonly at: number } | undefined;

  get size(): number {
    return this.#sources.size;
  }

  get(topic: string): Source | undefined {
    return this.#sources.get(topic);
  }

  /** Adds a topic, for the next pass. */
  add(topic: string): Source {
    const source = { topic, sent: new SentPeople(randomUUID().slice(0, 8)), wantedAt: 0 };
    this.#sources.set(topic, source);
    this.#all.push(source);
    this.lastPass = undefined;
    return source;
  }

  /** Drops the topics that were last wanted before that time. */
  dropBefore(wantedAt: number): void {
    for (const source of this.#sources.values()) if (source.wantedAt < wantedAt) this.#sources.delete(source.topic);
    if (this.#all.length <= 2 * this.#sources.size + 100) return;
    this.#all = [...this.#sources.values()];
    this.#matches = new WeakMap();
  }

  /** Finds who listens to each topic here; where this worker has no stream of the tenant, nobody does. */
  async look(tenant: Tenant | undefined, deps: PresenceHereDeps): Promise<ReadonlyMap<Source, PresentList>> {
    const found = new Map(
      Array.from(this.#sources.values(), (source) => [source, new PresentList(source.sent.isListed)]),
    );
    if (tenant === undefined) return found;
    const look = (registration: Registration, effort: Effort): readonly Source[] => {
      const { found: matches } = this.#matchesOf(registration.liveTopics, effort);
      return matches.length === 0 ? NO_SOURCES : heardOf(matches, tenant, registration, effort);
    };
    await eachListener(tenant, deps, look, (sources, subject, sinceMs) => {
      for (const source of sources) found.get(source)?.add(subject, sinceMs);
    });
    return found;
  }

  #matchesOf(topics: readonly string[], effort: Effort): Matches {
    const known = this.#matches.get(topics) ?? NO_MATCHES;
    if (known.upTo === this.#all.length) return known;
    const added = this.#all.slice(known.upTo).flatMap((source) => {
      const overlap = this.#isThere(source) ? findOverlap(topics, source.topic) : undefined;
      return overlap === undefined ? [] : [{ source, overlap }];
    });
    effort.left -= topics.length * (this.#all.length - known.upTo);
    const found = [...known.found.filter(({ source }) => this.#isThere(source)), ...added];
    const matches = { upTo: this.#all.length, found };
    this.#matches.set(topics, matches);
    return matches;
  }

  #isThere(source: Source): boolean {
    return this.#sources.get(source.topic) === source;
  }
}

/** The sources of which the person may see something. */
function heardOf(matches: Matches["found"], { rights }: Tenant, registration: Registration, effort: Effort): Source[] {
  effort.left -= matches.length;
  return matches.flatMap(({ source, overlap }) =>
    topicsHeard(rights, registration, overlap).length > 0 ? [source] : [],
  );
}
