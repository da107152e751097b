import { topicMatches } from "#shared/protocol/topics.ts";
import type { Account } from "./account.ts";
import { auditTopics } from "./audit-topics.ts";
import {
  type AcknowledgedEvent,
  allows,
  firstAbove,
  isLasting,
  type Place,
  placeOf,
  rightsFor,
  type Run,
} from "./audited-run.ts";
import type { Client, Erasure, PublishedEvent } from "./collect.ts";
import type { Entry } from "./ledger.ts";

type Received = Extract<Entry, { of: "received" }>;

/** After its session's end a client may still get what left in time: the promise allows two seconds. */
const EXP_GRACE_MS = 2_000;

/** What left an edge before the erasure was acknowledged may be on its way for so long. */
const ERASED_GRACE_MS = 1_000;

/** Nothing is delivered of a mirror that has been silent for ten seconds. */
const MIRROR_SILENT_MS = 10_000;

/** What a client has received so far. */
interface Progress {
  /** Events are due from here on. */
  start: { readonly sequence: number; readonly at: number } | undefined;
  place: Place | undefined;
  /** The texts since the last reset, and all of them. */
  recent: Set<string>;
  readonly all: Set<string>;
  readonly gaps: { readonly from: number; readonly to: number }[];
  readonly resets: { readonly sequence: number; readonly at: number }[];
  /** The client's positions, and when it reached them. */
  readonly passed: { readonly sequence: number; readonly at: number }[];
  last: PublishedEvent | undefined;
  /** When its session ends, as far as auth has said. */
  expiresAt: number;
}

/** Adds what one client's ledger says to the account. */
export function auditClient(run: Run, client: Client, account: Account): void {
  const progress: Progress = {
    start: undefined,
    place: undefined,
    recent: new Set(),
    all: new Set(),
    gaps: [],
    resets: [],
    passed: [],
    last: undefined,
    expiresAt: Number.POSITIVE_INFINITY,
  };
  for (const moment of client.moments) {
    if (moment.of === "opened") begin(progress, moment.after, moment.at);
    else if (moment.of === "received") look(run, client, progress, moment, account);
    else if (moment.of === "expires") progress.expiresAt = moment.expiresAt;
  }
  if (client.topics === undefined) account.lost += countLost(run, client, progress);
  else auditTopics(run, client, progress.all, account);
}

/** Events are due after the id that the client sent, whatever the server did with it; else after the first one received. */
function begin(progress: Progress, id: string | undefined, at: number): void {
  const place = placeOf(id);
  if (place === undefined || progress.start !== undefined) return;
  progress.start = { sequence: place.sequence, at };
  progress.place = place;
}

function look(run: Run, client: Client, progress: Progress, frame: Received, account: Account): void {
  const place = placeOf(frame.id);
  if (place !== undefined && isForeign(run, client, place)) account.crossTenant += 1;
  if (frame.event === "message" || frame.event.includes(".")) {
    account.delivered += 1;
    checkRights(run, client, progress, frame, account);
    advance(progress, frame, place, account);
  } else if (frame.event === "gap" || frame.event === "reset") {
    account[frame.event === "gap" ? "gaps" : "resets"] += 1;
    if (!isCaused(run, client, frame)) account.uncaused += 1;
    interrupt(progress, frame, place);
  } else if (place !== undefined) {
    begin(progress, frame.id, frame.at);
    if (place.epoch === progress.place?.epoch && place.sequence < progress.place.sequence) account.outOfOrder += 1;
    progress.place = place;
  }
}

/** Counts an event that was not for this client at that time. */
function checkRights(run: Run, client: Client, progress: Progress, frame: Received, account: Account): void {
  const { text, at } = frame;
  const event = run.events.get(text);
  if (event === undefined) account.unpublished += 1;
  else if (event.tenant !== client.tenant) account.crossTenant += 1;
  else if (!rightsFor(client, event, at).some((topics) => allows(topics, event))) account.afterRevoke += 1;
  if (at > progress.expiresAt + EXP_GRACE_MS) account.afterExp += 1;
  if (event !== undefined && wasErased(run, event, frame)) account.afterErased += 1;
  progress.last = event ?? progress.last;
}

/** Whether an erasure that was acknowledged before names the event that came, and its edge can know. */
function wasErased(run: Run, { tenant, topic, acknowledged }: PublishedEvent, frame: Received): boolean {
  return run.erasures.some(
    (erasure) =>
      erasure.acknowledgedAt < frame.at - ERASED_GRACE_MS &&
      erasure.tenant === tenant &&
      acknowledged !== undefined &&
      acknowledged.sequence <= erasure.through &&
      topicMatches(erasure.pattern, topic) &&
      !isReadLate(run, erasure, frame),
  );
}

/** Whether the edge of a mirror may not have read the erasure yet: it has told nobody of anything behind it. */
function isReadLate({ workers }: Run, erasure: Erasure, { connection, id, at }: Received): boolean {
  if (erasure.isMirrored !== true || at - erasure.acknowledgedAt > MIRROR_SILENT_MS + ERASED_GRACE_MS) return false;
  return !workers.hasPassed(connection, placeOf(id)?.epoch ?? "", erasure.through, at);
}

function advance(progress: Progress, { text, at }: Received, place: Place | undefined, account: Account): void {
  const isRepeated = progress.recent.has(text);
  const before = progress.place;
  const isBehind = place === undefined || (place.epoch === before?.epoch && place.sequence <= before.sequence);
  if (isRepeated) account.duplicates += 1;
  else if (isBehind) account.outOfOrder += 1;
  progress.recent.add(text);
  progress.all.add(text);
  if (isBehind) return;
  progress.place = place;
  progress.passed.push({ sequence: place.sequence, at });
}

function interrupt(progress: Progress, { event, text, at }: Received, place: Place | undefined): void {
  if (place === undefined) return;
  if (event === "gap") {
    const { from, to } = JSON.parse(text) as { from: string; to: string };
    progress.gaps.push({ from: placeOf(from)?.sequence ?? 0, to: placeOf(to)?.sequence ?? 0 });
  } else {
    progress.resets.push({ sequence: place.sequence, at });
    progress.recent = new Set();
  }
  progress.start ??= { sequence: place.sequence, at };
  progress.place = place;
}

function isForeign({ tenantOfEpoch }: Run, { tenant }: Client, { epoch }: Place): boolean {
  const known = tenantOfEpoch.get(epoch);
  if (known === undefined) tenantOfEpoch.set(epoch, tenant);
  return known !== undefined && known !== tenant;
}

function isCaused({ causes }: Run, { tenant }: Client, { event, text, at }: Received): boolean {
  const { reason } = JSON.parse(text) as { reason: string };
  return causes.some(
    (cause) =>
      cause.event === event &&
      cause.reason === reason &&
      cause.tenant === tenant &&
      cause.at <= at &&
      at <= cause.until,
  );
}

/** Counts events that were acknowledged, due, neither here nor covered, and allowed until the client was past them. */
function countLost(run: Run, client: Client, progress: Progress): number {
  const { start, all } = progress;
  const through = client.completeText === undefined ? progress.last : run.events.get(client.completeText);
  if (start === undefined || through === undefined) return client.completeText === undefined ? 0 : 1;
  return dueEvents(visibleEvents(run, client), progress, start, through).filter(
    (event) =>
      event.tenant === client.tenant &&
      !all.has(event.text) &&
      !isCovered(run, progress, start, event) &&
      !cameLater(run, client, event) &&
      isLasting(client, event, passedAt(progress, event)),
  ).length;
}

/** Whether a client had gone, and the log then lost its tail, before it took the event: its number says nothing of where the client was. */
function cameLater({ causes }: Run, { tenant, completeText, moments }: Client, event: AcknowledgedEvent): boolean {
  if (completeText !== undefined) return false;
  const leftAt = moments.findLast((moment) => moment.of === "received")?.at ?? 0;
  return causes.some(
    (cause) =>
      cause.event === "reset" && cause.tenant === tenant && cause.at > leftAt && event.acknowledgedAt > cause.at,
  );
}

/** The events that the client may have had the right to at some time, by sequence. */
function visibleEvents({ bySequence, byTopics }: Run, { rights }: Client): readonly AcknowledgedEvent[] {
  const lasting = rights.filter((_, index) => (rights[index + 1]?.acknowledgedAt ?? 1) > 0);
  const topics = lasting.flatMap((each) => each.topics);
  const key = topics.join(" ");
  const events = byTopics.get(key) ?? bySequence.filter((event) => allows(topics, event));
  byTopics.set(key, events);
  return events;
}

/** By sequence; after a reset sequences may have been used again, so time counts as well. */
function dueEvents(
  bySequence: readonly AcknowledgedEvent[],
  { resets }: Progress,
  start: { readonly sequence: number; readonly at: number },
  through: PublishedEvent,
): readonly AcknowledgedEvent[] {
  const last = through.acknowledged?.sequence ?? 0;
  if (resets.length === 0) {
    return bySequence.slice(firstAbove(bySequence, start.sequence), firstAbove(bySequence, last));
  }
  return bySequence.filter(
    ({ sequence, publishedAt, acknowledgedAt }) =>
      (sequence > start.sequence || publishedAt > start.at) &&
      (sequence <= last || acknowledgedAt < through.publishedAt),
  );
}

/**
 * A reset covers what lies before its position, and what was acknowledged before the log lost it. Who came later has nothing to do with
 * what was lost before, though its numbers were used again.
 */
function isCovered(
  { causes }: Run,
  { gaps, resets }: Progress,
  start: { readonly at: number },
  event: AcknowledgedEvent,
): boolean {
  const { tenant, sequence, acknowledgedAt } = event;
  const lostAt = causes.filter((cause) => cause.event === "reset" && cause.tenant === tenant).map(({ at }) => at);
  return (
    lostAt.some((at) => acknowledgedAt < at && at <= start.at) ||
    gaps.some(({ from, to }) => sequence > from && sequence <= to) ||
    resets.some(
      (reset) =>
        acknowledgedAt < reset.at &&
        (sequence <= reset.sequence || lostAt.some((at) => acknowledgedAt < at && at <= reset.at)),
    )
  );
}

/** When the client was certainly past the event. */
function passedAt({ passed }: Progress, { sequence, publishedAt }: AcknowledgedEvent): number {
  // After a reset sequences may have been used again: what was passed before the event was there was another one.
  return passed.find((place) => place.sequence > sequence && place.at > publishedAt)?.at ?? Number.POSITIVE_INFINITY;
}
