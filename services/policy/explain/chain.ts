import type { StoredSubscription } from "#shared/contract/subscription-record.ts";
import { eventTypeOf } from "#shared/protocol/topics.ts";
import type { FoundEvent, MissingEvent } from "../events/find-event.ts";
import { deliveredLink } from "./delivered-link.ts";
import { type Answer, type Finding, finding, type Link, type LinkName, LINKS, timeText } from "./link.ts";
import { takenLinks } from "./of-subscription.ts";
import { presentLinks, type PresentFacts } from "./now-links.ts";
import { type ClaimsChange, type Decided, mappedLink, roleLink, ruleLink } from "./policy-links.ts";
import { candidatesOf, connectedLink, sessionLink, type StreamFacts, topicLink } from "./stream-links.ts";

/** All that a chain is made of. */
export interface ChainFacts {
  readonly subject: string;
  readonly found: FoundEvent | MissingEvent;
  readonly whenPublished: Decided;
  readonly now: Decided;
  /** Undefined where there is no event that streams could have come to. */
  readonly streams: StreamFacts | undefined;
  readonly present: PresentFacts;
  readonly records: ReadonlyMap<string, StoredSubscription | undefined> | undefined;
  readonly changed: ClaimsChange | undefined;
  /** Milliseconds since 1970. */
  readonly wall: number;
}

/** What stands between an event and a person. */
export interface Chain {
  readonly chain: readonly Link[];
  /** The first link that is answered with no for the event's place. */
  readonly firstNo: LinkName | null;
  /** The event is on its way to the person. */
  readonly isPending: boolean;
}

type Findings = Record<LinkName, Finding>;

/** Answers every link, for the event's place and for now. */
export function chainOf(facts: ChainFacts): Chain {
  const { past, isPending } = findPast(facts);
  const now = findNow(facts);
  const titles = titlesFor(facts);
  const chain = LINKS.map((link): Link => {
    const { answer, evidence } = now[link];
    return { link, title: titles[link], ...past[link], now: { answer, evidence } };
  });
  return { chain, firstNo: chain.find(({ answer }) => answer === "no")?.link ?? null, isPending };
}

function titlesFor({ subject, found: { topic }, now }: ChainFacts): Record<LinkName, string> {
  const permission = "unknown" in now ? null : now.permission;
  return {
    stored: "The event is in the log",
    mapped: topic === undefined ? "A rule names its type" : `A rule of events: names ${eventTypeOf(topic)}`,
    connected: `${subject} was connected`,
    topic: "A topic of the stream matches",
    session: "The session lives",
    role: permission === null ? "A role has the permission" : `A role of ${subject} allows ${permission}`,
    rule: "The rule that decides allows it",
    delivered: `It was delivered to ${subject}`,
  };
}

function findPast(facts: ChainFacts): { readonly past: Findings; readonly isPending: boolean } {
  const { found, streams, whenPublished, subject, changed, records } = facts;
  const stored = storedLink(found);
  if (found.state !== "kept" || streams === undefined) {
    const nothing = finding("unknown", "There is no event to ask about.");
    const others = Object.fromEntries(LINKS.map((link) => [link, nothing])) as Findings;
    return { past: { ...others, stored }, isPending: false };
  }
  const candidates = candidatesOf(streams);
  const ofStreams = {
    connected: connectedLink(streams, candidates),
    topic: topicLink(streams, candidates),
    session: sessionLink(streams, candidates),
  };
  const isReached = Object.values(ofStreams).every(({ answer }) => answer === "yes");
  const links = (isReached ? undefined : takenLinks(records, streams.place, facts.wall)) ?? ofStreams;
  const rule = ruleLink(whenPublished, changed);
  const mapped = mappedLink(whenPublished, eventTypeOf(found.topic));
  const decided = { rule: mapped.answer === "no" ? "no" : rule.answer, connected: links.connected.answer } as const;
  const delivery = { place: streams.place, subject, candidates, records, now: facts.wall, ...decided };
  const { found: delivered, isPending } = deliveredLink(delivery);
  const past = {
    stored,
    mapped,
    ...links,
    role: roleLink(whenPublished, subject, changed),
    rule,
    delivered,
  };
  return { past, isPending };
}

function storedLink(found: FoundEvent | MissingEvent): Finding {
  if (found.state !== "kept") {
    const nearest = (found.nearest ?? []).map(({ sequence, storedAt }) => `One is at ${sequence}, since ${storedAt}.`);
    return finding("no", [`${found.because.slice(0, 1).toUpperCase()}${found.because.slice(1)}.`, ...nearest]);
  }
  const at = timeText(found.storedAt);
  return finding("yes", `It is at ${found.seq} of the log, since ${at}.`, { at });
}

/** The links of such an event now. */
function findNow({ found, now, subject, present }: ChainFacts): Findings {
  const isKept = found.state === "kept";
  const stored = isKept ? finding("yes", "It is kept: a stream that resumes before it finds it.") : storedLink(found);
  const { topic } = found;
  if (topic === undefined) {
    const nothing = finding("unknown", "The topic is not known.");
    return { ...(Object.fromEntries(LINKS.map((link) => [link, nothing])) as Findings), stored };
  }
  const type = eventTypeOf(topic);
  const links = { mapped: mappedLink(now, type), role: roleLink(now, subject), rule: ruleLink(now) };
  const streams = presentLinks(present, topic);
  const all = { ...links, ...streams };
  const answers = LINKS.flatMap((link) => (link in all ? [all[link as keyof typeof all].answer] : []));
  return { stored, ...all, delivered: finding(together(answers), wouldBe(together(answers), subject)) };
}

function together(answers: readonly Answer[]): Answer {
  if (answers.includes("no")) return "no";
  return answers.includes("unknown") ? "unknown" : "yes";
}

function wouldBe(answer: Answer, subject: string): string {
  if (answer === "yes") return `Such an event would reach ${subject} now.`;
  return answer === "no" ? `Such an event would not reach ${subject} now.` : "What is unknown above decides it.";
}
