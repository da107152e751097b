import { Notifier } from "#shared/async/notifier.ts";
import { within } from "#shared/async/within.ts";
import { isPaused } from "#shared/contract/subscription-record.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Position } from "../event.ts";
import type { Notice } from "../log/resume.ts";
import { applyCommand, type CommandContext, type SubscriptionCommand } from "./commands.ts";
import { UnderWay } from "./under-way.ts";
import { Alarm } from "./alarm.ts";
import { ackWaitOf, asksFor, bury, failDelivery, giveBack, open, openOf, passTo, useDelivery } from "./events.ts";
import { beginAnew } from "./life.ts";
import { type SubscriptionRecord, wishOf } from "./record.ts";
import { RecordWriter, type WriterDeps } from "./record-writer.ts";
import type { StoredRecord, SubscriptionKey } from "./subscription-store.ts";
import { settleLoss, tell } from "./told-losses.ts";

/** How long a command waits until it is stored. */
const STORED_WITHIN_MS = 4_000;

/** The reader that a hold is for. */
export interface HoldReader {
  /** Everything up to it was delivered, or is not for the subscription. */
  readonly cursor: Position;
  /** Something else is to be delivered than what the reader comes upon next, or nothing more. */
  interrupt(): void;
  /** Another connection is the holder now, or the subscription is another one: the stream ends. */
  lose(why: "replaced" | "changed"): void;
}

/** The edge, as far as a hold uses it. */
export interface HoldDeps extends WriterDeps {
  readonly context: () => Omit<CommandContext, "real">;
}

/** The open events that come again when a subscription is attached, by sequence. */
export interface ComesAgain {
  readonly again: readonly number[];
  readonly used: readonly number[];
}

const noAnswer = (): AppError => new AppError("unavailable", "the store of subscriptions does not answer; try again");

/**
 * A durable subscription as its holder has it: which events are open, and which come again. The record in the store follows once in a
 * while, and at once where it counts: an acknowledgement is stored before it is answered, and a delivery is used up before its event
 * comes again. Whoever stores the record as its holder is the holder; the one before notices at its next write.
 */
export class Hold {
  readonly key: SubscriptionKey;
  readonly record: SubscriptionRecord;
  /** Notified when more may be delivered. */
  readonly changed = new Notifier();
  readonly #writer: RecordWriter;
  readonly #deps: HoldDeps;
  readonly #underWay: UnderWay;
  readonly #alarm: Alarm;
  readonly #madeFor: string;
  #reader: HoldReader | undefined;
  #ended = false;

  /**
   * Holds a record that was stored with this connection as its holder. The open events `again` come again now, by the delivery that they
   * have had; those of `used` by another one, which is used up already.
   */
  constructor(key: SubscriptionKey, stored: StoredRecord, deps: HoldDeps, { again, used }: ComesAgain) {
    this.key = key;
    this.record = stored.record;
    this.#deps = deps;
    this.#underWay = new UnderWay(again, used);
    this.#madeFor = wishOf(stored.record);
    this.#alarm = new Alarm(() => this.#look(), deps);
    const owner = {
      prepare: () => this.#prepare(),
      merged: () => {
        this.#stir();
        this.#requireSame();
      },
      lost: (why: "replaced" | "changed") => {
        this.#stop();
        this.#reader?.lose(why);
      },
    };
    this.#writer = new RecordWriter(key, stored, owner, deps);
  }

  /** Whether it is let go, or another's. */
  get ended(): boolean {
    return this.#ended;
  }

  /** How many more events may be delivered before one is acknowledged. */
  get room(): number {
    if (this.#ended || this.isPaused) return 0;
    return Math.max(0, this.record.definition.window - this.record.open.size);
  }

  /** The next event that comes again now. */
  get next(): Position | undefined {
    if (this.#ended || this.isPaused) return undefined;
    const seq = this.#underWay.next(this.record.open) ?? -1;
    const event = this.record.open.get(seq);
    return event && { seq, tag: event.tag };
  }

  /** Begins delivery to a reader. */
  begin(reader: HoldReader): void {
    this.#reader = reader;
    this.#watch();
  }

  /** The log has begun anew, and delivery goes on at `position`: no sequence from before means anything. */
  reset(epoch: string, position: Position): void {
    beginAnew(this.record, epoch, position);
    this.#underWay.clear();
    this.#writer.touch();
  }

  /** The client was told of a loss. */
  told(notice: Notice): void {
    tell(this.record, notice);
    this.#writer.touch();
  }

  /** Whether an event is the subscription's, and not acknowledged before its first delivery here. */
  wants({ seq, tag }: Position, topic: string): boolean {
    const { through, early, definition } = this.record;
    return seq > through.seq && early.get(seq) !== tag && asksFor(definition, topic, seq);
  }

  /** Whether an event that comes again is asked for still. */
  asksFor(topic: string, seq: number): boolean {
    return asksFor(this.record.definition, topic, seq);
  }

  /** Events were delivered for the first time. */
  delivered(positions: readonly Position[]): void {
    if (positions.length === 0) return;
    const now = this.#now;
    for (const position of positions) {
      open(this.record, position, now);
      if (this.#isCallback) this.#underWay.hand(position.seq);
    }
    this.#writer.touch();
    if (!this.#isCallback) this.#wakeAt(now + ackWaitOf(this.record.definition, 1));
  }

  /** An event that was to come again was delivered. Its owner has the whole time to acknowledge it. */
  redelivered(seq: number): void {
    const event = this.record.open.get(seq);
    if (event !== undefined) event.dueAt = this.#now + ackWaitOf(this.record.definition, event.deliveries);
    this.#underWay.leave(seq);
    if (this.#isCallback) this.#underWay.hand(seq);
    this.#watch();
  }

  /** The callback has taken events that it had in hand; `isTold`: and all that it was to be told of losses. */
  accepted(positions: readonly Position[], isTold: boolean): void {
    this.record.failure = undefined;
    if (isTold) settleLoss(this.record);
    this.#answered(positions, (seq) => this.record.open.delete(seq));
  }

  /** It has not, for that reason: they come again by the back-off, and `leastMs` later at the earliest, or are dead letters. */
  failed(positions: readonly Position[], reason: string, leastMs: number): void {
    const now = this.#now;
    this.record.failure = { at: now, reason };
    this.#answered(positions, (seq) => failDelivery(this.record, seq, leastMs, now));
  }

  /** It was not sent them: they come again now, and that delivery is the one that they had. */
  takeBack(positions: readonly Position[]): void {
    this.#underWay.makeReady(openOf(this.record, positions));
    this.#stir();
  }

  /** An event that was to come again does not: it is gone, or not asked for, or `denied`, and looked at later where no dead letter has room. */
  give(seq: number, why: "gone" | "denied"): void {
    this.#underWay.leave(seq);
    if (why === "gone") this.record.open.delete(seq);
    else if (!bury(this.record, seq, "denied")) failDelivery(this.record, seq, 0, this.#now);
    this.#writer.touch();
    this.#watch();
  }

  /**
   * Carries out a command on what the reader has come to by now. Answers the record once that is stored; `moved` where the record is another holder's by now.
   * @throws {AppError} what the command throws; `unavailable` where it may be stored or not.
   */
  async apply(command: SubscriptionCommand, real: ReadonlySet<number>): Promise<SubscriptionRecord | "moved"> {
    if (this.#ended) return "moved";
    if (command.do !== "look" && this.#writer.isFull) throw noAnswer();
    this.#prepare();
    applyCommand(this.record, command, { ...this.#deps.context(), real });
    if (command.do !== "look") {
      this.#stir();
      const flush = this.#writer.flush();
      if (!(await within(STORED_WITHIN_MS, flush))) throw noAnswer();
      if (!(await flush)) return "moved";
    }
    this.#requireSame();
    return this.record;
  }

  /** Notes in the record that the subscription has its holder still. */
  stayAlive(): void {
    this.#writer.touch();
  }

  /** Lets go of the subscription: its record says where delivery stands, unless the store does not answer. */
  async release(): Promise<void> {
    if (this.#ended) return;
    this.#prepare();
    this.#stop();
    // A delivery that did not take place is not used up.
    const { used, all } = this.#underWay;
    for (const seq of this.#isCallback ? all : used) giveBack(this.record, seq, this.#now);
    this.record.holder = undefined;
    await this.#writer.close();
  }

  /** Whether each delivery is answered by its connection. */
  get #isCallback(): boolean {
    return this.record.definition.deliver !== undefined;
  }

  get #now(): number {
    return this.#deps.context().now;
  }

  /** Whether nothing is delivered now. */
  get isPaused(): boolean {
    return isPaused(this.record.pausedUntil, this.#now);
  }

  #prepare(): void {
    const { cursor } = this.#reader ?? {};
    this.record.seenAt = this.#now;
    if (!this.#ended && cursor !== undefined) passTo(this.record, cursor);
  }

  #answered(positions: readonly Position[], settle: (seq: number) => void): void {
    if (this.#ended) return;
    for (const seq of openOf(this.record, positions)) {
      this.#underWay.leave(seq);
      settle(seq);
    }
    // Nobody waits: a write for each message was a sixth of what posting it costs.
    this.#writer.touch();
    this.#stir();
  }

  /** The connection is for these topics, and this callback: another one is made for others. */
  #requireSame(): void {
    if (!this.#ended && wishOf(this.record) !== this.#madeFor) this.#reader?.lose("changed");
  }

  #stop(): void {
    this.#ended = true;
    this.#alarm[Symbol.dispose]();
    this.changed.notify();
  }

  /** What is open, or may be delivered, has changed from outside. */
  #stir(): void {
    this.#underWay.retain(this.record.open);
    this.#watch();
    this.changed.notify();
    if (this.next !== undefined) this.#reader?.interrupt();
  }

  /** Waits until the next event is due to come again, or a pause is over. */
  #watch(): void {
    this.#alarm[Symbol.dispose]();
    this.#wakeAt(this.#nextAt());
  }

  #wakeAt(at: number): void {
    if (!this.#ended && this.#reader !== undefined) this.#alarm.setEarlier(at);
  }

  #nextAt(): number {
    const { pausedUntil } = this.record;
    if (this.isPaused) return typeof pausedUntil === "number" ? pausedUntil : Number.POSITIVE_INFINITY;
    return Math.min(Number.POSITIVE_INFINITY, ...this.#underWay.others(this.record.open).map(([, { dueAt }]) => dueAt));
  }

  /** Uses up a delivery of each event that is due; once that is stored, they come again. */
  async #look(): Promise<void> {
    const now = this.#now;
    const waiting = this.isPaused ? [] : this.#underWay.others(this.record.open);
    const due = waiting.filter(([, { dueAt }]) => dueAt <= now);
    const again = due.filter(([seq]) => useDelivery(this.record, seq, now)).map(([seq]) => seq);
    this.#underWay.claim(again);
    this.#stir();
    if (due.length === 0 || !(await this.#writer.flush()) || this.#ended) return;
    this.#underWay.makeReady(again);
    this.#stir();
  }
}
