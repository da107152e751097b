import type { ConnectionEntry } from "#shared/contract/connection-log.ts";
import type { OpenConnection } from "#shared/contract/edge-questions.ts";
import { parseEventId } from "#shared/protocol/event-id.ts";
import { isTopicPattern, topicMatches } from "#shared/protocol/topics.ts";
import type { Transport } from "#shared/protocol/transports.ts";

/** The place of an event in its log. */
export interface Place {
  readonly epoch: string;
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly storedAt: number;
  readonly topic: string;
}

/** What a stream listens to, as far as the event is concerned. */
export interface Heard {
  /** The first of its topics that matches the event, a granted one before others. */
  readonly match: { readonly topic: string; readonly granted: boolean } | undefined;
  /** The first of its topics, and how many there are. */
  readonly some: readonly string[];
  readonly count: number;
}

/** How far a stream came. */
export type TraceEnd =
  /** Every entry up to `through` was written, or decided not to be for it; undefined where that is in another log. */
  | { readonly is: "ended"; readonly at: number; readonly reason: string; readonly through: number | undefined }
  | {
      readonly is: "open";
      readonly through: number | undefined;
      /** What the edge itself has read. */
      readonly horizon: number | undefined;
      readonly waitsFor: string | undefined;
      /** What it listens to now. */
      readonly hears: Heard;
    }
  /** Its entry is missing, and no edge has the stream. */
  | { readonly is: "unknown" };

/** A stream of a person, as the connection log and the edges tell of it. */
export interface StreamTrace {
  readonly connectionId: string;
  readonly sid: string | undefined;
  readonly subscription: string | undefined;
  /** The road that its frames come by; undefined where that is not known. */
  readonly transport: Transport | undefined;
  readonly openedAt: number;
  /** It delivers what stands behind this sequence; undefined where that is not known. */
  readonly from: number | undefined;
  readonly isResumed: boolean;
  /** Undefined where its topics of then are not known. */
  readonly heard: Heard | undefined;
  readonly end: TraceEnd;
}

const MAX_TOPICS_NAMED = 5;

/** An edge that lies must not write to the terminal of whoever reads an explanation. */
const REASON = /^[a-z_]{1,32}$/;

type EntryOf<Event extends ConnectionEntry["event"]> = Extract<ConnectionEntry, { readonly event: Event }>;

type Mutable = { -readonly [Key in keyof StreamTrace]: StreamTrace[Key] };

/** Puts a person's streams together from their entries and from what the edges have open. */
export class StreamTraces {
  readonly #place: Place;
  readonly #traces = new Map<string, Mutable>();

  constructor(place: Place) {
    this.#place = place;
  }

  /** Takes in an entry; entries come in the order in which they were stored. */
  note(entry: ConnectionEntry): void {
    const known = this.#traces.get(entry.connectionId);
    const trace = known ?? blank(entry.connectionId, Date.parse(entry.event === "ended" ? entry.openedAt : entry.at));
    this.#traces.set(entry.connectionId, trace);
    switch (entry.event) {
      case "opened": {
        const { sid, subscription, transport, isResumed } = entry;
        const own = {
          sid,
          subscription,
          transport,
          isResumed,
          openedAt: Date.parse(entry.at),
          from: this.#seqOf(entry.from),
        };
        Object.assign(trace, own, { heard: this.#heardBy(entry) });
        return;
      }
      case "changed": {
        const from = this.#seqOf(entry.from);
        if (from !== undefined && from < this.#place.seq) trace.heard = this.#heardBy(entry);
        return;
      }
      case "ended":
        trace.end = {
          is: "ended",
          at: Date.parse(entry.at),
          reason: REASON.test(entry.reason) ? entry.reason : "unknown",
          through: this.#seqOf(entry.through),
        };
    }
  }

  /** Takes in a stream that an edge has open. */
  noteOpen(stream: OpenConnection): void {
    const trace = this.#traces.get(stream.id) ?? blank(stream.id, Date.parse(stream.openedAt));
    this.#traces.set(stream.id, trace);
    trace.sid ??= stream.sid;
    trace.transport ??= stream.transport ?? undefined;
    trace.subscription ??= stream.subscription ?? undefined;
    // The edge knows better than an end that came from somewhere else.
    trace.end = {
      is: "open",
      through: this.#seqOf(stream.lastId),
      horizon: this.#seqOf(stream.horizon),
      waitsFor: stream.waitsFor ?? undefined,
      hears: heardBy(this.#place.topic, stream.topics),
    };
  }

  /** The streams, those that were opened last first. */
  all(): StreamTrace[] {
    return [...this.#traces.values()].toSorted((a, b) => b.openedAt - a.openedAt);
  }

  /** An entry may have no room for the one that matches. */
  #heardBy({ topics, topicsLeftOut }: EntryOf<"opened" | "changed">): Heard | undefined {
    const heard = heardBy(this.#place.topic, topics);
    return heard.match === undefined && topicsLeftOut !== undefined ? undefined : heard;
  }

  #seqOf(id: string): number | undefined {
    const parsed = parseEventId(id);
    return parsed?.epoch === this.#place.epoch ? parsed.position.seq : undefined;
  }
}

/** What of these topics an event is heard by. */
function heardBy(topic: string, topics: readonly { readonly topic: string; readonly granted: boolean }[]): Heard {
  const readable = topics.filter((each) => isTopicPattern(each.topic));
  const matching = readable.filter((each) => topicMatches(each.topic, topic));
  const match = matching.find(({ granted }) => granted) ?? matching[0];
  const some = readable.slice(0, MAX_TOPICS_NAMED).map((each) => each.topic);
  return { match, some, count: readable.length };
}

function blank(connectionId: string, openedAt: number): Mutable {
  return {
    connectionId,
    sid: undefined,
    subscription: undefined,
    transport: undefined,
    openedAt,
    from: undefined,
    isResumed: false,
    heard: undefined,
    end: { is: "unknown" },
  };
}
