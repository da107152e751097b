import { topicMatches } from "#shared/protocol/topics.ts";
import type { Account } from "./account.ts";
import { type AcknowledgedEvent, firstAbove, isLasting, placeOf, type Run } from "./audited-run.ts";
import type { Client } from "./collect.ts";
import type { Entry } from "./ledger.ts";

type Of<Kind extends Entry["of"]> = Extract<Entry, { of: Kind }>;
type Received = Of<"received">;

/** Behind which sequences events under a pattern are due, and may come. */
interface Window {
  readonly due: number;
  readonly may: number;
}

/** What one client was told of its topics so far, in the order in which it was told. */
interface Progress {
  /** The topics in force at this place of the stream. */
  inForce: ReadonlyMap<string, Window>;
  position: number | undefined;
  /** Behind which sequence each pattern counts that the client has added; undefined where no answer has said that. */
  readonly from: Map<string, number | undefined>;
  /** The topics by the last answer or `ready`; undefined while an answer is missing. */
  agreed: ReadonlySet<string> | undefined;
  asked: Of<"asked"> | undefined;
  /** The topics of a `ready` that came while an answer was awaited. */
  restoredMeanwhile: ReadonlySet<string> | undefined;
  readonly due: Map<AcknowledgedEvent, number>;
}

/**
 * Adds what the ledger of a client that changes its topics says to the account: what was lost, came before its topic counted or
 * after it was removed, and changes that were answered and not kept.
 */
export function auditTopics(run: Run, client: Client, received: ReadonlySet<string>, account: Account): void {
  const progress: Progress = {
    inForce: new Map(),
    position: undefined,
    from: new Map(client.topics?.map((topic) => [topic, 0])),
    agreed: new Set(client.topics),
    asked: undefined,
    restoredMeanwhile: undefined,
    due: new Map(),
  };
  for (const moment of client.moments) {
    if (moment.of === "opened") progress.position = placeOf(moment.after)?.sequence ?? progress.position;
    else if (moment.of === "asked") progress.asked = moment;
    else if (moment.of === "answered") settle(progress, moment, account);
    else if (moment.of === "received") receive(run, progress, moment, account);
  }
  for (const [event, passedAt] of progress.due) {
    if (!received.has(event.text) && isLasting(client, event, passedAt)) account.lost += 1;
  }
}

function receive(run: Run, progress: Progress, moment: Received, account: Account): void {
  if (moment.event === "ready") begin(progress, moment, account);
  else if (moment.event === "subscription") change(progress, moment);
  else pass(run, progress, moment, account);
}

/** A stream begins. Whatever was answered must be in force in it. */
function begin(progress: Progress, { id, text }: Of<"received">, account: Account): void {
  const position = placeOf(id)?.sequence ?? progress.position ?? 0;
  const topics = topicsIn(text);
  if (progress.asked !== undefined) progress.restoredMeanwhile = topics;
  else if (progress.agreed !== undefined && !isSame(progress.agreed, topics)) account.unkept += 1;
  if (progress.asked === undefined) progress.agreed = topics;
  progress.position = position;
  progress.inForce = new Map([...topics].map((topic) => [topic, windowOf(progress, topic)]));
}

/** What was added by a change that is not answered may come, and nobody can say from where on it must. */
function windowOf({ from, asked, agreed }: Progress, topic: string): Window {
  const isUncertain = asked?.add.includes(topic) === true && agreed?.has(topic) !== true;
  const known = isUncertain ? undefined : from.get(topic);
  return known === undefined ? { due: Number.POSITIVE_INFINITY, may: 0 } : { due: known, may: known };
}

function change(progress: Progress, { text }: Of<"received">): void {
  const topics = topicsIn(text);
  const from = placeOf((JSON.parse(text) as { effectiveFrom: string }).effectiveFrom)?.sequence ?? 0;
  const inForce = new Map<string, Window>();
  for (const topic of topics) {
    if (!progress.inForce.has(topic)) progress.from.set(topic, from);
    inForce.set(topic, progress.inForce.get(topic) ?? { due: from, may: from });
  }
  progress.inForce = inForce;
}

/** The client's question was answered, or nobody will ever know. */
function settle(progress: Progress, { outcome, topics, effectiveFrom }: Of<"answered">, account: Account): void {
  const { asked, restoredMeanwhile, agreed } = progress;
  progress.asked = progress.restoredMeanwhile = undefined;
  const added = (asked?.add ?? []).filter((topic) => agreed?.has(topic) !== true);
  if (outcome === "unknown") {
    for (const topic of added) progress.from.set(topic, undefined);
    progress.agreed = restoredMeanwhile;
    return;
  }
  const said = outcome === "done" ? new Set(topics) : agreed;
  if (restoredMeanwhile !== undefined && said !== undefined && !isSame(restoredMeanwhile, said)) account.unkept += 1;
  // Where it was not known what there was before, some of them may have been added earlier.
  const from = agreed === undefined ? undefined : placeOf(effectiveFrom)?.sequence;
  if (outcome === "done") for (const topic of added) count(progress, topic, from);
  progress.agreed = said;
}

/** From here on it is certain behind which sequence a topic counts, or that it is not. */
function count(progress: Progress, topic: string, from: number | undefined): void {
  progress.from.set(topic, from);
  if (from === undefined || !progress.inForce.has(topic)) return;
  progress.inForce = new Map([...progress.inForce, [topic, { due: from, may: from }]]);
}

/** The stream has got on: everything in between that was asked for was due. */
function pass(run: Run, progress: Progress, { event, id, text, at }: Of<"received">, account: Account): void {
  const place = placeOf(id);
  if (place === undefined) return;
  if (event === "message") judge(run, progress, text, place.sequence, account);
  const between = run.bySequence.slice(
    firstAbove(run.bySequence, progress.position ?? place.sequence),
    firstAbove(run.bySequence, place.sequence),
  );
  for (const passed of between) {
    const isDue = windowsOf(progress, passed.topic).some(({ due }) => due < passed.sequence);
    if (isDue) progress.due.set(passed, at);
  }
  progress.position = place.sequence;
}

function judge(run: Run, progress: Progress, text: string, sequence: number, account: Account): void {
  const topic = run.events.get(text)?.topic;
  const windows = topic === undefined ? [] : windowsOf(progress, topic);
  if (windows.length === 0) account.late += 1;
  else if (windows.every(({ may }) => may >= sequence)) account.early += 1;
}

function windowsOf({ inForce }: Progress, topic: string): Window[] {
  return [...inForce].flatMap(([pattern, window]) => (topicMatches(pattern, topic) ? [window] : []));
}

function topicsIn(text: string): ReadonlySet<string> {
  return new Set((JSON.parse(text) as { topics: { topic: string }[] }).topics.map(({ topic }) => topic));
}

function isSame(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return some.symmetricDifference(others).size === 0;
}
