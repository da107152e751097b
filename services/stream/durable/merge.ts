import { fromTheBeginning } from "./life.ts";
import type { SubscriptionRecord } from "./record.ts";

/**
 * Takes over into `mine` what somebody else has changed in the stored record. `base` is the record that mine was made from, `theirs` the
 * one that is stored now.
 */
export function mergeRecord(mine: SubscriptionRecord, base: SubscriptionRecord, theirs: SubscriptionRecord): void {
  // Mine has begun anew in another log, or in one that has lost its end: no sequence of theirs means anything there.
  const isAnew = mine.epoch !== theirs.epoch || mine.through.seq < base.through.seq;
  if (theirs.revision !== base.revision) {
    const { definition, revision, pausedUntil } = theirs;
    Object.assign(mine, { definition: isAnew ? fromTheBeginning(definition) : definition, revision, pausedUntil });
  }
  if (isAnew) return;
  if (JSON.stringify(mine.owed) === JSON.stringify(base.owed)) mine.owed = theirs.owed;
  mergeOpen(mine, base, theirs);
  mergeDead(mine, base, theirs);
  for (const [seq, tag] of theirs.early) if (mine.open.get(seq)?.tag === tag) mine.open.delete(seq);
  mine.early = new Map([...mine.early, ...theirs.early].filter(([seq]) => seq > mine.through.seq));
  mine.reach = Math.max(mine.reach, theirs.reach);
}

/** Events that they have closed are closed; those that they have opened again, or refused, are as they say. */
function mergeOpen(mine: SubscriptionRecord, base: SubscriptionRecord, theirs: SubscriptionRecord): void {
  for (const seq of base.open.keys()) if (!theirs.open.has(seq)) mine.open.delete(seq);
  for (const [seq, event] of theirs.open) {
    const before = base.open.get(seq);
    const isOthers = before === undefined ? !mine.open.has(seq) : mine.open.has(seq);
    const isChanged = before?.deliveries !== event.deliveries || before.dueAt !== event.dueAt;
    if (isOthers && isChanged && isNewer(mine, base, seq)) mine.open.set(seq, event);
  }
  // They have acknowledged all up to there.
  if (theirs.through.seq > base.through.seq) {
    for (const seq of mine.open.keys()) if (seq <= theirs.through.seq && !theirs.open.has(seq)) mine.open.delete(seq);
    if (theirs.through.seq > mine.through.seq) mine.through = theirs.through;
  }
  mine.open = new Map([...mine.open].toSorted(([a], [b]) => a - b));
}

/** Whether I have not changed the event myself since: then my own change counts. */
function isNewer(mine: SubscriptionRecord, base: SubscriptionRecord, seq: number): boolean {
  const [own, before] = [mine.open.get(seq), base.open.get(seq)];
  return own?.deliveries === before?.deliveries;
}

function mergeDead(mine: SubscriptionRecord, base: SubscriptionRecord, theirs: SubscriptionRecord): void {
  const [before, now] = [base, theirs].map(({ dead }) => new Set(dead.map(({ seq }) => seq)));
  // What was open and is neither open nor dead there was acknowledged: also where it has become a dead letter here meanwhile.
  const isClosed = (seq: number): boolean => before?.has(seq) === true || (base.open.has(seq) && !theirs.open.has(seq));
  const kept = mine.dead.filter(({ seq }) => now?.has(seq) === true || !isClosed(seq));
  const known = new Set(kept.map(({ seq }) => seq));
  const added = theirs.dead.filter(({ seq }) => !known.has(seq) && before?.has(seq) !== true);
  mine.dead = [...kept, ...added];
  for (const { seq } of added) mine.open.delete(seq);
}
