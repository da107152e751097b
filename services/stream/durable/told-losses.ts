import { parseEventId } from "#shared/protocol/event-id.ts";
import type { Position } from "../event.ts";
import { gapTo, type Notice } from "../log/resume.ts";
import type { Loss, SubscriptionRecord } from "./record.ts";

const BEFORE_ALL: Position = { seq: 0, tag: "0" };

/** Notes a loss beside one that a client is not known to know of: what it is told covers both. */
export function owe(record: SubscriptionRecord, loss: Loss): Loss {
  return (record.owed = coverBoth(record.owed, loss));
}

/** What a client is told where it goes on behind a position: of the loss that it is owed, and of one that was found now. */
export function noticeOf(
  { owed }: SubscriptionRecord,
  found: Notice | undefined,
  { epoch, position }: { readonly epoch: string; readonly position: Position },
): Notice | undefined {
  const loss = found === undefined ? owed : coverBoth(owed, lossOf(found));
  if (loss === undefined) return undefined;
  if (loss.event === "reset") return { event: "reset", data: { reason: loss.reason } };
  return gapTo(epoch, loss.after, position, loss.reason).notice;
}

/**
 * A client is told of a loss now. It stays in the record, and whoever attaches next is told again, until the client answers for an event
 * that it got for the first time behind it: bytes that a connection took may never arrive, and an answer for an event that it had before
 * may come at any time.
 */
export function tell(record: SubscriptionRecord, notice: Notice): void {
  const to = notice.event === "gap" ? positionIn(notice.data.to).seq : BEFORE_ALL.seq;
  const loss = owe(record, lossOf(notice));
  record.owed = { ...loss, toldBehind: Math.max(to, record.through.seq, ...record.open.keys()) };
}

/** The open events whose answers say that the client knows of what it is owed. */
export function openBehindLoss({ owed, open }: SubscriptionRecord): number[] {
  const { toldBehind } = owed ?? {};
  return toldBehind === undefined ? [] : [...open.keys()].filter((seq) => seq > toldBehind);
}

/** The client knows of what it was told. */
export function settleLoss(record: SubscriptionRecord): void {
  if (record.owed?.toldBehind !== undefined) record.owed = undefined;
}

function coverBoth(owed: Loss | undefined, loss: Loss): Loss {
  if (owed === undefined || loss.event === "reset") return loss;
  if (owed.event === "reset") return { event: "reset", reason: owed.reason };
  return owed.after.seq < loss.after.seq ? { ...loss, after: owed.after } : loss;
}

function lossOf(notice: Notice): Loss {
  if (notice.event === "reset") return { event: "reset", reason: notice.data.reason };
  return { event: "gap", after: positionIn(notice.data.from), reason: notice.data.reason };
}

function positionIn(id: string): Position {
  return parseEventId(id)?.position ?? BEFORE_ALL;
}
