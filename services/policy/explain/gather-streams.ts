import type { SessionEntry } from "#shared/contract/control-entry.ts";
import { MAX_CONNECTIONS_LISTED, type OpenConnection } from "#shared/contract/edge-questions.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Edges } from "../edges/edges.ts";
import type { EventHistory, History } from "../events/event-log.ts";
import type { FoundEvent, MissingEvent } from "../events/find-event.ts";
import type { ChainFacts } from "./chain.ts";
import { timeText } from "./link.ts";
import type { ClaimsChange } from "./policy-links.ts";
import type { PersonHistory, SessionEnds, SubscriptionReader } from "./ports.ts";
import { type Place, type StreamTrace, StreamTraces } from "./trace-streams.ts";

/** What the streams of a person are gathered from. */
export interface GatherDeps {
  readonly logs: Pick<EventHistory, "sessionsBehind">;
  readonly edges: Edges;
  readonly personHistory: PersonHistory;
  readonly sessionEnds: SessionEnds;
  readonly records: SubscriptionReader;
}

/** The sessions of so many streams, the last ones first, are looked up. */
const MAX_SESSIONS = 32;

type Person = { readonly tenant: string; readonly subject: string };
type Gathered = Pick<ChainFacts, "streams" | "present" | "records" | "changed">;

/** Gathers what is known of a person's streams around an event, and of those that are open. What does not answer is missing, and no error. */
export async function gatherStreams(
  deps: GatherDeps,
  person: Person,
  found: FoundEvent | MissingEvent,
  isByAuth: boolean,
): Promise<Gathered> {
  const place = placeOf(found);
  const traces = new StreamTraces(place);
  const isKept = found.state === "kept";
  const [log, open, records, changes] = await Promise.all([
    orMissing(deps.personHistory.entriesOfPerson(person.tenant, person.subject, (entry) => traces.note(entry))),
    orMissing(openStreams(deps.edges, person)),
    orMissing(deps.records.recordsOf(person.tenant, person.subject)),
    isKept ? orMissing(deps.logs.sessionsBehind(person.tenant, place.seq)) : undefined,
  ]);
  for (const stream of open?.streams ?? []) traces.noteOpen(stream);
  const all = traces.all();
  const missingNow = whatEdgesLack(open);
  const ends = await orMissing(deps.sessionEnds.endsOf(person.tenant, sidsOf(all, place)));
  const facts = { place, subject: person.subject, streams: all };
  const endedBefore = ends && endsBefore(ends, changes, place);
  const missing = [...whatLogLacks(log, place), ...missingNow];
  return {
    streams: isKept ? { ...facts, missing, endedBefore } : undefined,
    present: { subject: person.subject, streams: all, missing: missingNow, ends },
    records,
    changed: isByAuth ? changeOf(changes, person.subject) : undefined,
  };
}

function placeOf(found: FoundEvent | MissingEvent): Place {
  if (found.state === "kept") return found;
  return { epoch: "", seq: 0, storedAt: 0, topic: found.topic ?? "" };
}

async function orMissing<Value>(asked: Promise<Value>): Promise<Value | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof AppError && error.code === "unavailable") return undefined;
    throw error;
  }
}

/** The open streams of a person: of each worker the first five hundred. */
async function openStreams(edges: Edges, { tenant, subject }: Person) {
  const question = { ask: "connections", tenant, subject, after: "", limit: MAX_CONNECTIONS_LISTED } as const;
  const { answers, partial } = await edges.ask(question);
  const streams = answers.flatMap(({ connections }): readonly OpenConnection[] => connections);
  const hasMore = answers.some((answer) => answer.hasMore);
  return { streams, partial, hasMore, workers: answers.length };
}

function whatEdgesLack(open: Awaited<ReturnType<typeof openStreams>> | undefined): string[] {
  if (open === undefined) return ["The bus is out of reach, so that no edge was asked."];
  if (open.partial) return ["An edge does not answer: it may have a stream of the person."];
  return open.hasMore ? [`The person has more open streams than ${open.streams.length}, which were looked at.`] : [];
}

function whatLogLacks(
  log: { readonly since: number; readonly hasMore: boolean } | undefined,
  { storedAt }: Place,
): string[] {
  if (log === undefined) return ["The connection log does not answer."];
  if (log.hasMore) return ["The connection log has more entries of the person than are read."];
  if (log.since <= storedAt) return [];
  return [`The connection log begins at ${timeText(log.since)}, after the event.`];
}

/** The sessions of the streams that may matter: those that were opened last before the event, and those that are open. */
function sidsOf(streams: readonly StreamTrace[], { storedAt }: Place): string[] {
  const near = streams.filter(({ end, openedAt }) => end.is === "open" || openedAt <= storedAt);
  const sids = [...near, ...streams].flatMap(({ sid }) => sid ?? []);
  return [...new Set(sids)].slice(0, MAX_SESSIONS);
}

/** Of each session that was looked up, when it ended, if that was before the event's place. What ended behind it stands there as an entry. */
function endsBefore(
  ends: ReadonlyMap<string, number | undefined>,
  changes: History<SessionEntry> | undefined,
  { storedAt }: Place,
): ReadonlyMap<string, number | undefined> {
  const behind = new Set(changes?.entries.flatMap(({ entry }) => ("sid" in entry ? [entry.sid] : [])));
  const isAll = changes?.hasMore === false;
  // Where the log was not read to its end, the clock has to do.
  const isBefore = (sid: string, at: number): boolean => !behind.has(sid) && (isAll || at <= storedAt);
  return new Map(Array.from(ends, ([sid, at]) => [sid, at !== undefined && isBefore(sid, at) ? at : undefined]));
}

function changeOf(changes: History<SessionEntry> | undefined, subject: string): ClaimsChange | undefined {
  const change = changes?.entries.find(({ entry }) => "sub" in entry && entry.sub === subject);
  return change && { seq: change.seq, at: timeText(change.storedAt) };
}
