import type { ErasedEntry } from "#shared/contract/control-entry.ts";
import { type EventId, formatEventId, parseEventId } from "#shared/protocol/event-id.ts";
import { isTopic, topicMatches } from "#shared/protocol/topics.ts";
import type { EventHistory, LogDescription, LoggedMessage, Placed } from "./event-log.ts";

/** How somebody names an event: by its id, by its place in the log, or by its exact topic and about when it was stored. */
export type EventQuestion =
  | { readonly by: "id"; readonly id: EventId }
  | { readonly by: "sequence"; readonly seq: number }
  | { readonly by: "time"; readonly topic: string; readonly at: number };

/** An event that is kept. */
export interface FoundEvent {
  readonly state: "kept";
  readonly epoch: string;
  readonly seq: number;
  readonly tag: string;
  readonly topic: string;
  /** Milliseconds since 1970. */
  readonly storedAt: number;
  readonly attributes: NonNullable<LoggedMessage["attributes"]>;
}

/** Why there is no event to be received by anybody. */
export interface MissingEvent {
  readonly state: "other_log" | "not_there" | "gone" | "erased" | "other_event" | "control" | "poison";
  readonly because: string;
  /** Its topic, as far as that is known. */
  readonly topic?: string;
  /** The sequence of the entry that says that it was erased. */
  readonly by?: number;
  /** The events of the topic that were stored nearest to the time, where none was near enough. */
  readonly nearest?: readonly NearEvent[];
}

/** An event that is not the one that was asked about. */
export interface NearEvent {
  readonly id: string;
  readonly sequence: number;
  readonly storedAt: string;
}

/** How far from the given time an event is taken for the one that is meant. */
const NEAR_MS = 60_000;

type Logs = Pick<EventHistory, "describe" | "read" | "aroundTime" | "erasuresBehind">;

/**
 * Finds the event that is asked about.
 * @throws {AppError} as the methods of `EventHistory` do.
 */
export async function findEvent(
  logs: Logs,
  tenant: string,
  question: EventQuestion,
): Promise<FoundEvent | MissingEvent> {
  const log = await logs.describe(tenant);
  switch (question.by) {
    case "id": {
      const { epoch, position } = question.id;
      if (epoch !== log.epoch)
        return { state: "other_log", because: "the tenant's log was made anew after this id was given" };
      return findAt({ logs, tenant, log }, position.seq, { tag: position.tag });
    }
    case "sequence":
      return findAt({ logs, tenant, log }, question.seq);
    case "time":
      return findNear({ logs, tenant, log }, question.topic, question.at);
  }
}

interface Search {
  readonly logs: Logs;
  readonly tenant: string;
  readonly log: LogDescription;
}

/** What is known of an event before it is read. */
interface Known {
  readonly tag?: string;
  readonly topic?: string;
}

async function findAt(search: Search, seq: number, known: Known = {}): Promise<FoundEvent | MissingEvent> {
  const { logs, tenant, log } = search;
  if (seq > log.last) return { state: "not_there", because: `the log ends at ${log.last}`, ...topicIn(known) };
  const [message, { entries: erasures }] = await Promise.all([
    seq < log.first ? undefined : logs.read(tenant, seq),
    logs.erasuresBehind(tenant, seq),
  ]);
  if (message === undefined) return whyGone(log, seq, known, erasures);
  if (known.tag !== undefined && message.tag !== known.tag)
    return { state: "other_event", because: "another message stands at this place of the log" };
  const prefix = `events.${tenant}.`;
  if (!message.subject.startsWith(prefix)) return { state: "control", because: "this is not an event, but a change" };
  const topic = message.subject.slice(prefix.length);
  const erasure = erasures.find(({ entry }) => names(entry, seq, topic));
  // What is announced and not purged yet is shown to nobody any more.
  if (erasure !== undefined) return { ...erasedBy(erasure), topic };
  return readable(log.epoch, seq, topic, message);
}

function readable(epoch: string, seq: number, topic: string, message: LoggedMessage): FoundEvent | MissingEvent {
  const { attributes, tag, storedAt } = message;
  if (!isTopic(topic)) return { state: "poison", because: "its subject is not a topic: nobody is shown it" };
  if (!message.isText) return { state: "poison", because: "its payload is not UTF-8: nobody is shown it", topic };
  if (attributes === undefined)
    return { state: "poison", because: "its headers are more than an event may have: nobody is shown it", topic };
  return { state: "kept", epoch, seq, tag, topic, storedAt, attributes };
}

function whyGone(
  log: LogDescription,
  seq: number,
  known: Known,
  erasures: readonly Placed<ErasedEntry>[],
): MissingEvent {
  const sure = erasures.find(({ entry }) => names(entry, seq, known.topic));
  if (sure !== undefined) return { ...erasedBy(sure), ...topicIn(known) };
  const reason =
    seq < log.first
      ? `the log keeps nothing before ${log.first} any more`
      : "the log has nothing at this place any more";
  const possible = erasures.find(({ entry }) => "subject" in entry && entry.through >= seq);
  if (possible === undefined) return { state: "gone", because: reason, ...topicIn(known) };
  const maybe = `; ${whatItErased(possible)} may have taken it`;
  return { state: "gone", because: reason + maybe, ...topicIn(known) };
}

/** Whether the entry says for certain that the event is erased. */
function names(entry: ErasedEntry, seq: number, topic: string | undefined): boolean {
  if (entry.through < seq) return false;
  if ("ids" in entry) return entry.ids.some((id) => parseEventId(id)?.position.seq === seq);
  return entry.subject === ">" || (topic !== undefined && topicMatches(entry.subject, topic));
}

function erasedBy(erasure: Placed<ErasedEntry>): Pick<MissingEvent, "state" | "because" | "by"> {
  return { state: "erased", because: `${whatItErased(erasure)} took it`, by: erasure.seq };
}

function whatItErased({ seq, storedAt, entry }: Placed<ErasedEntry>): string {
  const what = "subject" in entry ? `of ${entry.subject}` : `of ${entry.ids.length} events by their ids`;
  return `the erasure ${what} that the entry at ${seq} announced at ${new Date(storedAt).toISOString()}`;
}

async function findNear(search: Search, topic: string, at: number): Promise<FoundEvent | MissingEvent> {
  const { logs, tenant, log } = search;
  const { before, after } = await logs.aroundTime(tenant, topic, at);
  const read = await Promise.all([before, after].map((seq) => readNear(search, seq, at)));
  const around = read.filter((each) => each !== undefined).toSorted((a, b) => a.distanceMs - b.distanceMs);
  const [nearest] = around;
  if (nearest !== undefined && nearest.distanceMs <= NEAR_MS) return findAt(search, nearest.near.sequence, { topic });
  const { entries } = await logs.erasuresBehind(tenant, log.first);
  const erasure = entries.find(
    ({ entry, storedAt }) => "subject" in entry && storedAt >= at - NEAR_MS && topicMatches(entry.subject, topic),
  );
  const reason = `no event of ${topic} that was stored within a minute of ${new Date(at).toISOString()} is kept`;
  const because = erasure === undefined ? reason : `${reason}; ${whatItErased(erasure)} may have taken one`;
  return { state: "not_there", because, topic, nearest: around.map(({ near }) => near) };
}

async function readNear({ logs, tenant, log }: Search, seq: number | undefined, at: number) {
  const message = seq === undefined ? undefined : await logs.read(tenant, seq);
  if (seq === undefined || message === undefined) return undefined;
  const near: NearEvent = {
    id: formatEventId(log.epoch, { seq, tag: message.tag }),
    sequence: seq,
    storedAt: new Date(message.storedAt).toISOString(),
  };
  return { near, distanceMs: Math.abs(message.storedAt - at) };
}

function topicIn({ topic }: Known): { readonly topic?: string } {
  return topic === undefined ? {} : { topic };
}
