import { randomUUID } from "node:crypto";
import type { Registration } from "../../access/registration.ts";
import { ToldPeople } from "../../presence/presence-news.ts";
import { PresentList } from "../../presence/present-list.ts";
import type { Tenant } from "../tenant.ts";
import { eachStream, type PresenceHereDeps } from "./presence-here.ts";
import { findOverlap, type Overlap, topicsHeard } from "./topic-listeners.ts";

/** A topic that somebody watches, and what was told about it. */
export interface Source {
  readonly topic: string;
  readonly told: ToldPeople;
  /** When somebody last said to watch it, in monotonic milliseconds. */
  wantedAt: number;
}

/** The sources that a list of topics has something in common with, among the first so many. */
interface Matches {
  readonly upTo: number;
  readonly found: readonly { readonly source: Source; readonly overlap: Overlap }[];
}

const NO_MATCHES: Matches = { upTo: 0, found: [] };

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
    const source = { topic, told: new ToldPeople(randomUUID().slice(0, 8)), wantedAt: 0 };
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
      Array.from(this.#sources.values(), (source) => [source, new PresentList(source.told.isListed)]),
    );
    if (tenant === undefined) return found;
    await eachStream(tenant, deps, ({ registration }, sinceMs) => {
      const { matches, looks } = this.#matchesOf(registration);
      for (const { source, overlap } of matches.found) {
        if (topicsHeard(tenant.rights, registration, overlap).length === 0) continue;
        found.get(source)?.add(registration.identity.subject.id, sinceMs);
      }
      return 1 + looks + matches.found.length;
    });
    return found;
  }

  #matchesOf({ liveTopics }: Registration): { readonly matches: Matches; readonly looks: number } {
    const known = this.#matches.get(liveTopics) ?? NO_MATCHES;
    if (known.upTo === this.#all.length) return { matches: known, looks: 0 };
    const added = this.#all.slice(known.upTo).flatMap((source) => {
      const overlap = this.#isThere(source) ? findOverlap(liveTopics, source.topic) : undefined;
      return overlap === undefined ? [] : [{ source, overlap }];
    });
    const found = [...known.found.filter(({ source }) => this.#isThere(source)), ...added];
    const matches = { upTo: this.#all.length, found };
    this.#matches.set(liveTopics, matches);
    return { matches, looks: liveTopics.length * (this.#all.length - known.upTo) };
  }

  #isThere(source: Source): boolean {
    return this.#sources.get(source.topic) === source;
  }
}
