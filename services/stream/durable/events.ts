import { type EventId, parseEventId } from "#shared/protocol/event-id.ts";
import { topicMatches } from "#shared/protocol/topics.ts";
import type { Position } from "../event.ts";
import type { DeadLetter, Definition, OpenEvent, SubscriptionRecord } from "./record.ts";

/** The most dead letters of a subscription. While it has as many, open events come again without an end. */
export const MAX_DEAD = 1_000;

/** How long the owner has to acknowledge a delivery, by its number. A callback answers for itself: what it has not answered is due at once. */
export function ackWaitOf(definition: Definition, deliveries: number): number {
  return definition.deliver === undefined ? backoffOf(definition, deliveries) : 0;
}

/** How long after a delivery, by its number, its event comes again at the earliest. */
function backoffOf({ ackWaitMs, backoffMs }: Definition, deliveries: number): number {
  return backoffMs[Math.min(deliveries, backoffMs.length) - 1] ?? ackWaitMs;
}

/** Notes the first delivery of an event. */
export function open({ open: events, definition }: SubscriptionRecord, { seq, tag }: Position, now: number): void {
  events.set(seq, { tag, deliveries: 1, dueAt: now + ackWaitOf(definition, 1) });
}

/**
 * Uses up another delivery of an open event whose time to acknowledge has ended. Answers whether it is to come again: false for one
 * that has become a dead letter.
 */
export function useDelivery(record: SubscriptionRecord, seq: number, now: number): boolean {
  const event = record.open.get(seq);
  if (event === undefined) return false;
  const { maxDeliver } = record.definition;
  if (event.deliveries >= maxDeliver && bury(record, seq, "not_acknowledged")) return false;
  event.deliveries = Math.min(event.deliveries + 1, maxDeliver);
  event.dueAt = now + ackWaitOf(record.definition, event.deliveries);
  return true;
}

/** Makes an open event a dead letter; answers false where there is no room for another one. */
export function bury(record: SubscriptionRecord, seq: number, reason: DeadLetter["reason"]): boolean {
  const event = record.open.get(seq);
  if (event === undefined || record.dead.length >= MAX_DEAD) return false;
  record.open.delete(seq);
  // One that was dead before, and is not delivered again yet, has none. A record with such a letter cannot be read.
  record.dead.push({ seq, tag: event.tag, deliveries: Math.max(1, event.deliveries), reason });
  return true;
}

/** Whether the id names an open event. */
function openAt({ epoch, open: events }: SubscriptionRecord, id: EventId): OpenEvent | undefined {
  const event = id.epoch === epoch ? events.get(id.position.seq) : undefined;
  return event?.tag === id.position.tag ? event : undefined;
}

/** The sequences of those that are open still. In a log that has begun anew the same sequence is another event. */
export function openOf({ open: events }: SubscriptionRecord, positions: readonly Position[]): number[] {
  return positions.filter(({ seq, tag }) => events.get(seq)?.tag === tag).map(({ seq }) => seq);
}

/** Ids as an owner sends them: some, or all up to one of them. */
export interface Acknowledgement {
  readonly ids: readonly EventId[];
  readonly upTo: EventId | undefined;
}

/** Reads ids that may be anything; what is none names nothing. */
export function readIds(texts: readonly string[]): EventId[] {
  return texts.flatMap((text) => parseEventId(text) ?? []);
}

/**
 * The ids behind `through` that a holder which is gone may have delivered: the log says whether they are real. `isOrphaned`: the
 * record names a holder that is not there any more.
 */
export function unsureIds(record: SubscriptionRecord, { ids, upTo }: Acknowledgement, isOrphaned: boolean): EventId[] {
  const { epoch, through, reach, definition } = record;
  const isUnsure = (id: EventId): boolean =>
    id.epoch === epoch && id.position.seq > through.seq && (isOrphaned || id.position.seq <= reach);
  const unsure = new Map(ids.filter(isUnsure).map((id) => [id.position.seq, id]));
  // A holder never had more open than the window.
  const first = [...unsure.values()].toSorted((a, b) => a.position.seq - b.position.seq).slice(0, definition.window);
  return upTo !== undefined && isUnsure(upTo) ? [...first, upTo] : first;
}

/**
 * Takes acknowledged events out of a record, dead letters among them; ids that name nothing there change nothing. `real` are the unsure ids whose messages the
 * log has, by sequence.
 */
export function acknowledge(
  record: SubscriptionRecord,
  { ids, upTo }: Acknowledgement,
  real: ReadonlySet<number> = new Set(),
): void {
  for (const id of ids) {
    const { seq, tag } = id.position;
    if (openAt(record, id) !== undefined) record.open.delete(seq);
    else if (real.has(seq) && seq > record.through.seq) record.early.set(seq, tag);
  }
  // The last delivery may be acknowledged after its time, too: then it needs nobody's attention any more.
  if (record.dead.length > 0) dropDead(record, ids);
  if (upTo === undefined || upTo.epoch !== record.epoch) return;
  const { seq, tag } = upTo.position;
  const named = record.open.get(seq);
  const isReal = seq <= record.through.seq ? named === undefined || named.tag === tag : real.has(seq);
  if (!isReal) return;
  for (const each of record.open.keys()) if (each <= seq) record.open.delete(each);
  passTo(record, upTo.position);
}

/** Everything up to a position was looked at. */
export function passTo(record: SubscriptionRecord, position: Position): void {
  if (position.seq <= record.through.seq) return;
  record.through = position;
  for (const seq of record.early.keys()) if (seq <= position.seq) record.early.delete(seq);
}

/** Has open events come again after `delayMs`, or makes those dead letters whose deliveries are used up. */
export function refuse(record: SubscriptionRecord, ids: readonly EventId[], delayMs: number, now: number): void {
  for (const id of ids) {
    const event = openAt(record, id);
    if (event === undefined) continue;
    const isUsedUp = event.deliveries >= record.definition.maxDeliver;
    if (isUsedUp && bury(record, id.position.seq, "refused")) continue;
    event.dueAt = now + delayMs;
  }
}

/**
 * A callback has not taken an open event: it comes again by the subscription's back-off and `leastMs` later at the earliest, or becomes a
 * dead letter where its deliveries are used up.
 */
export function failDelivery(record: SubscriptionRecord, seq: number, leastMs: number, now: number): void {
  const event = record.open.get(seq);
  if (event === undefined) return;
  const { definition } = record;
  if (event.deliveries >= definition.maxDeliver && bury(record, seq, "refused")) return;
  event.dueAt = now + Math.max(leastMs, backoffOf(definition, event.deliveries));
}

/** An event was not delivered: the delivery that was to be is not used up, and it is due. */
export function giveBack({ open: events }: SubscriptionRecord, seq: number, now: number): void {
  const event = events.get(seq);
  if (event === undefined) return;
  event.deliveries = Math.max(0, event.deliveries - 1);
  event.dueAt = now;
}

/** Some dead letters, or all of them. */
export type DeadChoice = readonly EventId[] | "all";

/** Takes dead letters out of a record, and answers them. */
export function dropDead(record: SubscriptionRecord, choice: DeadChoice): DeadLetter[] {
  const tags = choice === "all" ? undefined : tagsOf(record.epoch, choice);
  const isChosen = ({ seq, tag }: DeadLetter): boolean => tags === undefined || tags.get(seq) === tag;
  const dropped = record.dead.filter(isChosen);
  record.dead = record.dead.filter((letter) => !isChosen(letter));
  return dropped;
}

/**
 * Has dead letters come again at once, as if they had never been delivered. As many as the window has room for; the others stay dead.
 */
export function reviveDead(record: SubscriptionRecord, choice: DeadChoice, now: number): void {
  const room = record.definition.window - record.open.size;
  const chosen = dropDead(record, choice).toSorted((a, b) => a.seq - b.seq);
  for (const { seq, tag } of chosen.slice(0, Math.max(0, room))) {
    record.open.set(seq, { tag, deliveries: 0, dueAt: now });
  }
  record.dead.push(...chosen.slice(Math.max(0, room)));
  record.open = new Map([...record.open].toSorted(([a], [b]) => a - b));
}

function tagsOf(epoch: string, ids: readonly EventId[]): Map<number, string> {
  return new Map(ids.filter((id) => id.epoch === epoch).map(({ position: { seq, tag } }) => [seq, tag]));
}

/** Whether an event is the subscription's by a pattern that counts at its place. */
export function asksFor({ topics }: Definition, topic: string, seq: number): boolean {
  return Object.entries(topics).some(([pattern, from]) => seq > from && topicMatches(pattern, topic));
}
