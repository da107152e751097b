import { parseEventId } from "#shared/protocol/event-id.ts";
import type { Position } from "../event.ts";
import { gapTo, type Notice } from "../log/resume.ts";
import type { Acknowledgement } from "./events.ts";
import type { Loss, SubscriptionRecord } from "./record.ts";

const BEFORE_ALL: Position = { seq: 0, tag: "0" };

/** Notes a loss beside one that a client is not known to know of: what it is told covers both. */
export function owe(record: SubscriptionRecord, loss: Loss): void {
  record.owed = coverBoth(record.owed, loss);
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
 * What a holder has told its client is lost. It stays in the record, and whoever attaches next is told again, until the client answers
 * for an event that was written behind it: bytes that a connection took may never arrive.
 */
export class ToldLosses {
  readonly #record: SubscriptionRecord;
  /** The end of what is lost; events that were written before stand before it. */
  #end = BEFORE_ALL.seq;
  /** The sequences of the events that were written behind it. */
  readonly #behind = new Set<number>();

  constructor(record: SubscriptionRecord) {
    this.#record = record;
  }

  /** The client was told. */
  tell(notice: Notice): void {
    owe(this.#record, lossOf(notice));
    this.#end = notice.event === "gap" ? positionIn(notice.data.to).seq : BEFORE_ALL.seq;
    this.#behind.clear();
  }

  /** An event was written for the first time. */
  wrote(seq: number): void {
    if (seq > this.#end) this.wroteAgain(seq);
  }

  /** An event was written again; the order of the log does not say when. */
  wroteAgain(seq: number): void {
    if (this.#record.owed !== undefined) this.#behind.add(seq);
  }

  /** The client has these events. */
  answered({ ids, upTo }: Acknowledgement): void {
    const { epoch } = this.#record;
    this.accepted(ids.filter((id) => id.epoch === epoch).map(({ position }) => position));
    if (upTo?.epoch === epoch && [...this.#behind].some((seq) => seq <= upTo.position.seq)) this.#settle();
  }

  /** It has the events at these positions. */
  accepted(positions: readonly Position[]): void {
    if (positions.some(({ seq }) => this.#behind.has(seq))) this.#settle();
  }

  #settle(): void {
    this.#record.owed = undefined;
    this.#behind.clear();
  }
}

function coverBoth(owed: Loss | undefined, loss: Loss): Loss {
  if (owed === undefined || loss.event === "reset") return loss;
  if (owed.event === "reset") return owed;
  return owed.after.seq < loss.after.seq ? { ...loss, after: owed.after } : loss;
}

function lossOf(notice: Notice): Loss {
  if (notice.event === "reset") return { event: "reset", reason: notice.data.reason };
  return { event: "gap", after: positionIn(notice.data.from), reason: notice.data.reason };
}

function positionIn(id: string): Position {
  return parseEventId(id)?.position ?? BEFORE_ALL;
}
