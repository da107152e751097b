import { concernedStreams, endedWithSession, type JudgedStream, judgeStream } from "./judge-stream.ts";
import { type Finding, finding, namesText, timeText } from "./link.ts";
import type { Place, StreamTrace } from "./trace-streams.ts";

/** What is known of a person's streams around an event. */
export interface StreamFacts {
  readonly place: Place;
  readonly subject: string;
  /** All of them, as far as is known, those that were opened last first. */
  readonly streams: readonly StreamTrace[];
  /** What is missing, in sentences; with it a "no" is not certain. */
  readonly missing: readonly string[];
  /** Of the sessions that were looked up, when each ended before the event; undefined where revocations cannot be read. */
  readonly endedBefore: ReadonlyMap<string, number | undefined> | undefined;
}

/** A stream that the event could have reached, and what is known of each link of it. */
export interface Candidate extends JudgedStream {
  /** Undefined where its topics of then are not known. */
  readonly isHeard: boolean | undefined;
  /** Undefined where that is not known. */
  readonly isSessionOver: boolean | undefined;
}

const MAX_STREAMS_LISTED = 4;

/** What became of a session, by the reason of its stream's end. */
const OVER: ReadonlyMap<string, string> = new Map([
  ["revoked", "was revoked"],
  ["expired", "ran out"],
  ["forbidden", "was not let in any more"],
]);

/** The streams that the event could have reached. */
export function candidatesOf({ place, streams, endedBefore }: StreamFacts): Candidate[] {
  const judged = streams.map((trace) => ({ trace, standing: judgeStream(trace, place) }));
  return concernedStreams(judged, place).map((each) => ({
    ...each,
    isHeard: each.trace.heard && each.trace.heard.match !== undefined,
    isSessionOver: isSessionOver(each, endedBefore),
  }));
}

function isSessionOver({ trace, standing }: JudgedStream, endedBefore: StreamFacts["endedBefore"]) {
  if (standing === "cut" && endedWithSession(trace)) return true;
  if (trace.sid === undefined || endedBefore?.has(trace.sid) !== true) return undefined;
  return endedBefore.get(trace.sid) !== undefined;
}

/** Whether a stream of the person was there for the event. */
export function connectedLink(facts: StreamFacts, candidates: readonly Candidate[]): Finding {
  const { place, subject, missing } = facts;
  const certain = candidates.filter(({ standing }) => standing !== "unknown");
  if (certain.length > 0) {
    const { connectionId } = certain[0]?.trace ?? {};
    return finding(
      "yes",
      listSome(certain, (each) => whenText(each, place)),
      connectionId ? { connectionId } : {},
    );
  }
  if (candidates.length > 0)
    return finding(
      "unknown",
      listSome(candidates, (each) => whenText(each, place)),
    );
  if (missing.length > 0) return finding("unknown", [`No stream of ${subject} is known.`, ...missing]);
  return finding("no", [`No stream of ${subject} was open, and none resumed before it.`, ...neighbours(facts)]);
}

/** The streams before and behind the event that did not reach it. */
function neighbours({ place, streams }: StreamFacts): string[] {
  // By their places in the log, where they are known: one that was opened in the event's own millisecond may be on either side.
  const isLater = (trace: StreamTrace): boolean =>
    judgeStream(trace, place) === "later" || (trace.from === undefined && trace.openedAt > place.storedAt);
  const before = streams.find((trace) => !isLater(trace));
  const after = streams.findLast(isLater);
  if (before === undefined && after === undefined) return ["The connection log has none of the last day."];
  const ended = before?.end.is === "ended" ? ` and ended at ${timeText(before.end.at)} (${before.end.reason})` : "";
  return [
    ...(before
      ? [`The last one before, ${before.connectionId}, was opened at ${timeText(before.openedAt)}${ended}.`]
      : []),
    ...(after
      ? [`The next one, ${after.connectionId}, was opened at ${timeText(after.openedAt)}, and began behind it.`]
      : []),
  ];
}

function whenText({ trace, standing }: Candidate, { storedAt }: Place): string {
  const { connectionId, openedAt, transport, isResumed, end } = trace;
  const road = transport === undefined ? "" : ` over ${transport}`;
  const opened = `${connectionId} was opened${road} at ${timeText(openedAt)}`;
  const late = openedAt <= storedAt ? "" : isResumed ? ", resumed before the event" : ", and began before the event";
  if (end.is === "open") return `${opened}${late}, and is open.`;
  if (end.is === "unknown") return `${opened}${late}; no edge has it, and the entry of its end is missing.`;
  const why = standing === "cut" && end.at < storedAt ? ", and its session was over" : "";
  return `${opened}${late}, and ended at ${timeText(end.at)} (${end.reason})${why}.`;
}

/** Whether one of its topics matched. */
export function topicLink({ place: { topic } }: StreamFacts, candidates: readonly Candidate[]): Finding {
  if (candidates.length === 0) return finding("unknown", "There is no stream whose topics could match.");
  const hearing = candidates.filter(({ isHeard }) => isHeard === true);
  if (hearing.some(({ standing }) => standing !== "unknown")) return finding("yes", listSome(hearing, hearingText));
  if (candidates.some(({ isHeard, standing }) => isHeard === undefined || (isHeard && standing === "unknown")))
    return finding("unknown", listSome(candidates, hearingText));
  return finding("no", [`No topic matched ${topic}.`, ...listSome(candidates, hearingText)]);
}

function hearingText({ trace: { connectionId, heard } }: Candidate): string {
  if (heard === undefined)
    return `What ${connectionId} listened to is not known: its entry is missing, or had no room for all topics.`;
  const { match, some, count } = heard;
  if (match === undefined) {
    const more = count > some.length ? ` and ${count - some.length} more` : "";
    return count === 0
      ? `${connectionId} listened to nothing.`
      : `${connectionId} listened to ${some.join(", ")}${more}.`;
  }
  const granted = match.granted ? "" : ", of which nothing is granted to the person";
  return `${connectionId} listened to ${match.topic}${granted}.`;
}

/** Whether the session of such a stream lived. */
export function sessionLink({ endedBefore, place }: StreamFacts, candidates: readonly Candidate[]): Finding {
  const hearing = candidates.filter(({ isHeard }) => isHeard !== false);
  const looked = hearing.length > 0 ? hearing : candidates;
  if (looked.length === 0) return finding("unknown", "There is no stream whose session could be looked at.");
  const living = looked.filter(({ isSessionOver: isOver }) => isOver === false);
  if (living.length > 0)
    return finding(
      "yes",
      listSome(living, ({ trace }) => `Session ${trace.sid} lived.`),
    );
  const unknown = looked.filter(({ isSessionOver: isOver }) => isOver === undefined);
  if (unknown.length > 0) {
    const whose = namesText(unknown.map(({ trace }) => trace.connectionId));
    return finding(
      "unknown",
      `Whether the session of ${whose} lived is not known: revocations cannot be read, or its entry is missing.`,
    );
  }
  const at = looked.map(({ trace }) => sessionEnd(trace, endedBefore)).find((each) => each !== undefined);
  const texts = listSome(looked, ({ trace }) => sessionText(trace, endedBefore, place));
  return finding("no", texts, at === undefined ? {} : { at: timeText(at) });
}

function sessionEnd({ sid = "", end }: StreamTrace, endedBefore: StreamFacts["endedBefore"]): number | undefined {
  return endedBefore?.get(sid) ?? (end.is === "ended" ? end.at : undefined);
}

function sessionText(trace: StreamTrace, endedBefore: StreamFacts["endedBefore"], { storedAt }: Place): string {
  const { connectionId, sid = "of that stream", end } = trace;
  const revoked = endedBefore?.get(sid);
  if (revoked !== undefined)
    return `Session ${sid} of ${connectionId} was revoked at ${timeText(revoked)}, before the event.`;
  if (end.is !== "ended") return `Session ${sid} was over.`;
  const relation = end.at < storedAt ? "before the event" : "before the stream came to the event";
  return `Session ${sid} of ${connectionId} ${OVER.get(end.reason) ?? "ended"} at ${timeText(end.at)}, ${relation}.`;
}

/** A sentence for each of the first few, and how many there are besides. */
export function listSome<Item>(items: readonly Item[], text: (item: Item) => string): string[] {
  const some = items.slice(0, MAX_STREAMS_LISTED).map(text);
  return items.length > MAX_STREAMS_LISTED ? [...some, `There are ${items.length - MAX_STREAMS_LISTED} more.`] : some;
}
