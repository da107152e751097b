import type { StoredSubscription } from "#shared/contract/subscription-record.ts";
import { type Answer, type Finding, finding, timeText } from "./link.ts";
import { ofSubscription, type Statement } from "./of-subscription.ts";
import { type Candidate, listSome } from "./stream-links.ts";
import type { Place } from "./trace-streams.ts";

/** What the end of the chain is decided by. */
export interface DeliveryFacts {
  readonly place: Place;
  readonly subject: string;
  readonly candidates: readonly Candidate[];
  /** Of the links before: whether a stream was there, and whether the policy let the event through. */
  readonly connected: Answer;
  readonly rule: Answer;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The durable subscriptions of the person; undefined where they are not known. */
  readonly records: ReadonlyMap<string, StoredSubscription | undefined> | undefined;
}

/** Whether the event was written to a stream of the person, or given to a durable subscription of theirs; and whether it is on its way. */
export function deliveredLink(facts: DeliveryFacts): { readonly found: Finding; readonly isPending: boolean } {
  const { subject, rule, connected, candidates, records } = facts;
  if (rule === "no") return { found: finding("no", "The policy denied it."), isPending: false };
  const said = [
    ...candidates.filter(({ trace }) => !isKnown(records, trace.subscription)).map((each) => ofStream(each, facts)),
    ...[...(records ?? [])].flatMap(([name, record]) => ofSubscription(name, record, facts.place, facts.now)),
  ];
  const isPending = said.some((each) => each.isPending === true);
  const of = (answer: Answer): Statement[] => said.filter((each) => each.answer === answer);
  const [first] = of("yes");
  if (first !== undefined) {
    const evidence = listSome(of("yes"), evidenceOf);
    if (rule === "yes") return { found: { ...first, evidence }, isPending };
    const why = "What was decided there is not known; whoever comes past an event was given it, or was not let see it.";
    return { found: finding("unknown", [why, ...evidence]), isPending };
  }
  if (of("unknown").length > 0) return { found: finding("unknown", listSome(of("unknown"), evidenceOf)), isPending };
  if (said.length > 0) return { found: finding("no", listSome(said, evidenceOf)), isPending };
  const nobody =
    connected === "unknown"
      ? finding("unknown", "Whether there was a stream to write it to is not known.")
      : finding("no", `There was no stream of ${subject} to write it to.`);
  return { found: nobody, isPending };
}

function evidenceOf({ evidence }: Statement): string {
  return evidence.join(" ");
}

function isKnown(records: DeliveryFacts["records"], name: string | undefined): boolean {
  return name !== undefined && records?.get(name) !== undefined;
}

function ofStream({ trace, standing, isHeard, isSessionOver }: Candidate, { place }: DeliveryFacts): Statement {
  const { connectionId, end, openedAt, sid } = trace;
  if (isHeard === false) return finding("no", `${connectionId} did not listen to it.`);
  if (isSessionOver === true) return finding("no", `The session of ${connectionId} (${sid ?? "unknown"}) was over.`);
  switch (standing) {
    case "past": {
      if (isHeard === undefined)
        return finding("unknown", `What ${connectionId}, which came past it, listened to is not known.`);
      const at = timeText(Math.max(openedAt, place.storedAt));
      const how = openedAt <= place.storedAt ? "when it was published" : "after it resumed";
      return finding("yes", `It was written to ${connectionId} ${how}.`, { at, connectionId });
    }
    case "behind": {
      const [through, horizon] = end.is === "open" ? [end.through, end.horizon] : [];
      const isUnread = horizon !== undefined && horizon < place.seq;
      const why = isUnread
        ? `its edge has read the log to ${horizon}`
        : waitText(end.is === "open" ? end.waitsFor : undefined);
      return {
        ...finding("no", `Not yet: ${connectionId} has come to ${through}, and ${why}.`, { connectionId }),
        isPending: true,
      };
    }
    case "cut":
      return finding(
        "no",
        `${connectionId} ended (${end.is === "ended" ? end.reason : ""}) before it came to the event.`,
      );
    case "later":
    case "short":
    case "unknown":
      return finding("unknown", `How far ${connectionId} came is not known.`);
  }
}

const WAITS: ReadonlyMap<string, string> = new Map([
  ["socket", "waits for its client, which reads slowly"],
  ["log", "waits for the log, which does not answer"],
  ["authorization", "waits for the policy, which does not answer"],
  ["history", "waits for its turn to read the log"],
  ["topics", "waits until its change of topics is stored"],
  ["window", "waits until an event of its durable subscription is acknowledged"],
]);

function waitText(waitsFor: string | undefined): string {
  if (waitsFor === undefined) return "is reading on";
  return WAITS.get(waitsFor) ?? "waits";
}
