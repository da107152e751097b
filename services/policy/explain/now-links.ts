import { type Finding, finding, namesText, timeText } from "./link.ts";
import { type StreamFacts, listSome } from "./stream-links.ts";
import type { StreamTrace } from "./trace-streams.ts";

/** What is known of the present. */
export interface PresentFacts extends Pick<StreamFacts, "subject" | "streams"> {
  /** What is missing of the open streams, in sentences. */
  readonly missing: readonly string[];
  /** When the sessions of the streams ended, by their ids; undefined where that is not known. */
  readonly ends: ReadonlyMap<string, number | undefined> | undefined;
}

type OpenTrace = StreamTrace & { readonly end: Extract<StreamTrace["end"], { readonly is: "open" }> };

/** The links that are about streams, for such an event now. */
export function presentLinks(facts: PresentFacts, topic: string): Record<"connected" | "topic" | "session", Finding> {
  const open = facts.streams.filter((each): each is OpenTrace => each.end.is === "open");
  return { connected: connected(facts, open), topic: matches(open, topic), session: lives(facts, open) };
}

function connected({ subject, missing }: PresentFacts, open: readonly OpenTrace[]): Finding {
  if (open.length > 0)
    return finding(
      "yes",
      listSome(open, ({ connectionId }) => `${connectionId} is open.`),
    );
  if (missing.length > 0) return finding("unknown", [`No open stream of ${subject} is known.`, ...missing]);
  return finding("no", `No stream of ${subject} is open.`);
}

function matches(open: readonly OpenTrace[], topic: string): Finding {
  if (open.length === 0) return finding("unknown", "There is no open stream whose topics could match.");
  const hearing = open.filter(({ end }) => end.hears.match !== undefined);
  if (hearing.length === 0) {
    const listened = namesText([...new Set(open.flatMap(({ end }) => end.hears.some))]);
    return finding("no", `No topic of an open stream matches ${topic}: ${listened}.`);
  }
  return finding(
    "yes",
    listSome(hearing, ({ connectionId, end }) => `${connectionId} listens to ${end.hears.match?.topic}.`),
  );
}

function lives({ streams, ends }: PresentFacts, open: readonly OpenTrace[]): Finding {
  const sids = [...new Set((open.length > 0 ? open : streams.slice(0, 1)).flatMap(({ sid }) => sid ?? []))];
  if (sids.length === 0) return finding("unknown", "No session of the last day is known.");
  if (ends === undefined) return finding("unknown", "The revocations cannot be read right now.");
  const living = sids.filter((sid) => ends.get(sid) === undefined);
  if (living.length > 0) return finding("yes", `Session ${namesText(living, 4)} is not revoked.`);
  return finding(
    "no",
    listSome(sids, (sid) => `Session ${sid} was revoked at ${timeText(ends.get(sid) ?? 0)}.`),
  );
}
