import type { Place, StreamTrace } from "./trace-streams.ts";

/**
 * How a stream stands to an event: it came `past` it; it is open and will come to it (`behind`); it ended before it (`short`), or
 * `cut` while the event was stored already, or because its session was over; it began `later`, behind it; or nobody knows.
 */
export type Standing = "past" | "behind" | "cut" | "short" | "later" | "unknown";

/** The ends of a stream that say that the right to it was over. */
const SESSION_ENDS: ReadonlySet<string> = new Set(["revoked", "expired", "forbidden"]);

/** A stream, and how it stands to the event. */
export interface JudgedStream {
  readonly trace: StreamTrace;
  readonly standing: Standing;
}

/** Judges a stream by its places in the log, and where they are missing by the time. */
export function judgeStream(trace: StreamTrace, { seq, storedAt }: Place): Standing {
  const { from, openedAt, end } = trace;
  if (from !== undefined && from >= seq) return "later";
  const isEarlier = from !== undefined || openedAt <= storedAt;
  if (end.is === "unknown") return "unknown";
  if (end.through === undefined) return end.is === "ended" && end.at < storedAt ? "short" : "unknown";
  if (end.through < seq) {
    if (end.is === "open") return "behind";
    return end.at >= storedAt ? "cut" : "short";
  }
  // It came later by the clock, and nobody says whether it resumed before the event.
  return isEarlier ? "past" : "unknown";
}

/**
 * The streams that the event could have reached. Where there is none, the last one before the event counts if its session ended it: the person
 * was there, and would have stayed.
 */
export function concernedStreams(streams: readonly JudgedStream[], { storedAt }: Place): JudgedStream[] {
  const concerned = streams.filter(({ standing }) => standing !== "later" && standing !== "short");
  if (concerned.length > 0) return concerned;
  const before = streams.filter(({ trace, standing }) => standing === "short" && trace.openedAt <= storedAt);
  const last = before.toSorted((a, b) => endedAt(b) - endedAt(a))[0];
  if (last?.trace.end.is !== "ended" || !endedWithSession(last.trace)) return [];
  return [{ ...last, standing: "cut" }];
}

/** Whether a stream ended because the right to it was over. */
export function endedWithSession({ end }: StreamTrace): boolean {
  return end.is === "ended" && SESSION_ENDS.has(end.reason);
}

function endedAt({ trace: { end } }: JudgedStream): number {
  return end.is === "ended" ? end.at : Number.NEGATIVE_INFINITY;
}
