import type { ConnectionEntry } from "#shared/contract/connection-log.ts";
import { topicMatches } from "#shared/protocol/topics.ts";
import type { ReadEntry } from "./read-entries.ts";
import { type Decision, seqOf } from "./replay-stream.ts";

/** More streams that had asked for one event's topic are counted, and not told one by one: policy is asked about each person. */
const MAX_STREAMS = 100;

/** A moment in the life of the events that carry a trace. */
export interface TraceMoment {
  readonly at: string;
  /** `stored`: the log has the event. `nobody`: no stream that is known had asked for it. `more`: streams that are not told one by one. */
  readonly what: "stored" | "sent" | "withheld" | "perhaps" | "nobody" | "more";
  readonly seq: number;
  readonly topic: string;
  readonly connectionId?: string;
  readonly subject?: string;
  readonly why: string;
}

/** A stream as the connection log tells of it. */
interface KnownStream {
  readonly id: string;
  readonly subject: string;
  /** The entries that say which topics count behind which place, the latest first. */
  readonly topics: readonly { readonly behind: number; readonly topics: readonly string[] }[];
  /** The first place of the log that it was served behind, and the last that it was served. */
  readonly from: number;
  readonly through: number;
}

/** What a replay of a trace needs from elsewhere. */
export interface TraceSources {
  /** The events that carry the trace, in the order of the log. */
  readonly events: AsyncIterable<ReadEntry>;
  /** By the policy of the event's own place in the log. */
  readonly decide: (subject: string, seq: number) => Promise<Decision>;
  /** Whose streams are looked at; of whom it is told, too, whether they may see an event that none of these had asked for. */
  readonly about?: string | undefined;
}

/**
 * Tells of each event that carries a trace to which streams it went and why, or why not: of the streams whose beginning the
 * connection log keeps, those that were served its place of the log and had asked for its topic.
 */
export async function* replayTrace(
  entries: readonly ConnectionEntry[],
  { events, decide, about }: TraceSources,
): AsyncGenerator<TraceMoment> {
  const streams = streamsOf(entries);
  for await (const { seq, storedAt, entry } of events) {
    if (entry.kind !== "event") continue;
    const { topic } = entry;
    const common = { at: storedAt.toISOString(), seq, topic };
    yield { ...common, what: "stored", why: "in the tenant's log" };
    const asked = streams.filter((stream) => hadAskedFor(stream, seq, topic));
    if (asked.length === 0) {
      const unasked = "no stream that is kept had asked for its topic";
      const right =
        about === undefined ? {} : { subject: about, why: `${unasked}; ${rightOf(await decide(about, seq))}` };
      yield { ...common, what: "nobody", why: unasked, ...right };
    }
    const decisions = new Map<string, Decision>();
    for (const { id, subject } of asked.slice(0, MAX_STREAMS)) {
      const decision = decisions.get(subject) ?? (await decide(subject, seq));
      decisions.set(subject, decision);
      yield { ...common, what: wordOf(decision), connectionId: id, subject, why: decision.because };
    }
    const more = asked.length - MAX_STREAMS;
    if (more > 0) yield { ...common, what: "more", why: `${more} more streams had asked for its topic` };
  }
}

function streamsOf(entries: readonly ConnectionEntry[]): KnownStream[] {
  return [...Map.groupBy(entries, ({ connectionId }) => connectionId)].flatMap(([id, own]) => {
    const opened = own.find((entry) => entry.event === "opened");
    if (opened === undefined) return [];
    const ended = own.find((entry) => entry.event === "ended");
    const topics = own
      .filter((entry) => entry.event !== "ended")
      .map(({ from, topics: asked }) => ({ behind: seqOf(from), topics: asked.map(({ topic }) => topic) }));
    const through = ended === undefined ? Number.POSITIVE_INFINITY : seqOf(ended.through);
    return [{ id, subject: opened.subject, topics: topics.toReversed(), from: seqOf(opened.from), through }];
  });
}

function hadAskedFor({ from, through, topics }: KnownStream, seq: number, topic: string): boolean {
  if (seq <= from || seq > through) return false;
  const asked = topics.find(({ behind }) => behind < seq)?.topics ?? [];
  return asked.some((each) => topicMatches(each, topic));
}

function rightOf({ allow, because }: Decision): string {
  const right =
    allow === undefined ? "whether they may see it is unknown" : allow ? "they may see it" : "they may not see it";
  return `${right}: ${because}`;
}

function wordOf({ allow }: Decision): TraceMoment["what"] {
  if (allow === undefined) return "perhaps";
  return allow ? "sent" : "withheld";
}
