import { z } from "zod";
import { type ConnectionEntry, connectionEntrySchema } from "#shared/contract/connection-log.ts";
import { parseEventId } from "#shared/protocol/event-id.ts";
import { topicMatches } from "#shared/protocol/topics.ts";
import { ScriptError } from "../shared/run-script.ts";
import type { ReadEntry } from "./read-entries.ts";

/** What policy says of a stream; the fields that are read, and whatever else a newer release tells. */
export const foundSchema = z.object({
  connection: z.looseObject({ lastId: z.string() }).optional(),
  entries: z.array(connectionEntrySchema).default([]),
});

/** A moment of a stream's life. */
export interface Moment {
  readonly at: string;
  readonly what: "opened" | "changed" | "sent" | "withheld" | "rights" | "ended" | "open";
  readonly id?: string;
  readonly topic?: string;
  readonly why: string;
}

/** Why policy let an event through when it was published, or did not. */
export interface Decision {
  /** Undefined where policy does not keep what it went by. */
  readonly allow: boolean | undefined;
  readonly because: string;
}

/** What a replay needs from elsewhere. */
export interface ReplaySources {
  /** The log behind a sequence, up to and including another. */
  readonly read: (after: number, to: number) => AsyncIterable<ReadEntry>;
  readonly decide: (seq: number) => Promise<Decision>;
}

type Opened = Extract<ConnectionEntry, { event: "opened" }>;

/**
 * Tells what a stream was sent and why, in the order of the log: its entries of the connection log with the events whose topics it
 * had asked for, each with the decision of then.
 * @throws {ScriptError} where the connection log does not keep how the stream began.
 */
export async function* replayStream(
  { entries, connection }: z.infer<typeof foundSchema>,
  { read, decide }: ReplaySources,
): AsyncGenerator<Moment> {
  const opened = entries.find((entry): entry is Opened => entry.event === "opened");
  if (opened === undefined) throw new ScriptError("the connection log does not keep how this stream began");
  const ended = entries.find((entry) => entry.event === "ended");
  const changes = entries.filter((entry) => entry.event === "changed");
  yield { at: opened.at, what: "opened", id: opened.from, why: openedWords(opened) };
  let topics = topicsOf(opened);
  const last = ended?.through ?? connection?.lastId;
  for await (const { seq, storedAt, entry } of read(seqOf(opened.from), last === undefined ? Infinity : seqOf(last))) {
    for (let [change] = changes; change !== undefined && seqOf(change.from) < seq; [change] = changes) {
      changes.shift();
      topics = topicsOf(change);
      yield { at: change.at, what: "changed", why: `topics ${topics.join(", ")}` };
    }
    const at = storedAt.toISOString();
    if (entry.kind === "control") yield { at, what: "rights", why: `entry ${seq} of the log: ${entry.change.of}` };
    if (entry.kind !== "event" || !topics.some((topic) => topicMatches(topic, entry.topic))) continue;
    const { allow, because } = await decide(seq);
    const what = allow === false ? "withheld" : "sent";
    yield { at, what, id: String(seq), topic: entry.topic, why: allow === undefined ? `perhaps: ${because}` : because };
  }
  for (const change of changes) yield { at: change.at, what: "changed", why: `topics ${topicsOf(change).join(", ")}` };
  if (ended === undefined) yield { at: new Date().toISOString(), what: "open", why: "it is still open" };
  else yield { at: ended.at, what: "ended", id: ended.through, why: endedWords(ended) };
}

function openedWords({ subject, address, userAgent, isResumed, from, topics, requestId, traceId }: Opened): string {
  const asked = topics.map(({ topic, granted }) => (granted ? topic : `${topic} (not granted)`)).join(", ");
  const trace = traceId === undefined ? "" : `, trace ${traceId}`;
  const where = isResumed ? `resumed behind ${from}` : `from ${from} on`;
  return `${subject} from ${address} by ${userAgent ?? "-"}, ${where}: ${asked}; request ${requestId}${trace}`;
}

function endedWords({ reason, events, bytes, openedAt, at }: Extract<ConnectionEntry, { event: "ended" }>): string {
  const seconds = (Date.parse(at) - Date.parse(openedAt)) / 1_000;
  return `${reason} after ${seconds.toFixed(1)} s: ${events} events, ${bytes} bytes`;
}

function topicsOf({ topics }: { readonly topics: readonly { readonly topic: string }[] }): string[] {
  return topics.map(({ topic }) => topic);
}

/** The place in the log that an event's id names; 0 where it is none. */
export function seqOf(id: string): number {
  return parseEventId(id)?.position.seq ?? 0;
}
