import { Notifier } from "#shared/async/notifier.ts";
import { within } from "#shared/async/within.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Position } from "../event.ts";
import { applyCommand, type CommandContext, type SubscriptionCommand } from "./commands.ts";
import { ackWaitOf, asksFor, bury, open, useDelivery } from "./events.ts";
import { forgetPositions, isPaused } from "./life.ts";
import type { SubscriptionRecord } from "./record.ts";
import { RecordWriter, type WriterDeps } from "./record-writer.ts";
import type { StoredRecord, SubscriptionKey } from "./subscription-store.ts";

/** Timers take no longer waits. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

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

/**
 * A durable subscription as its holder has it: which events are open, and which come again. The record in the store follows once in a
 * while, and at once where it counts: an acknowledgement is stored before it is answered, and a delivery is used up before its event
 * comes again. Whoever stores the record as its holder is the holder; the one before notices at its next write.
 */
export class Hold {
  readonly key: SubscriptionKey;
  /** Notified when more may be delivered. */
  readonly changed = new Notifier();
  readonly #record: SubscriptionRecord;
  readonly #writer: RecordWriter;
  readonly #deps: HoldDeps;
  /** Events that come again once that is stored. */
  readonly #claimed = new Set<number>();
  /** Events that come again now, in the order of the log. */
  #ready: number[];
  #reader: HoldReader | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #ended = false;

  /** Holds a record that was stored with this connection as its holder: all that is open comes again. */
  constructor(key: SubscriptionKey, stored: StoredRecord, deps: HoldDeps) {
    this.key = key;
    this.#record = stored.record;
    this.#deps = deps;
    this.#ready = [...stored.record.open.keys()];
    const owner = {
      prepare: () => this.#prepare(),
      merged: () => this.#stir(),
      lost: (why: "replaced" | "changed") => this.#lose(why),
    };
    this.#writer = new RecordWriter(key, stored, owner, deps);
  }

  get record(): SubscriptionRecord {
    return this.#record;
  }

  /** Whether it is let go, or another's. */
  get ended(): boolean {
    return this.#ended;
  }

  /** How many more events may be delivered before one is acknowledged. */
  get room(): number {
    if (this.#ended || this.#isPaused) return 0;
    return Math.max(0, this.#record.definition.window - this.#record.open.size);
  }

  /** The next event that comes again now. */
  get next(): Position | undefined {
    if (this.#ended || this.#isPaused) return undefined;
    for (let seq = this.#ready[0]; seq !== undefined; seq = this.#ready[0]) {
      const event = this.#record.open.get(seq);
      if (event !== undefined) return { seq, tag: event.tag };
      this.#ready.shift();
    }
    return undefined;
  }

  /** Begins delivery to a reader. */
  begin(reader: HoldReader): void {
    this.#reader = reader;
    this.#watch();
  }

  /** The log has begun anew, and delivery goes on at `position`: no sequence from before means anything. */
  reset(epoch: string, position: Position): void {
    const { definition } = this.#record;
    forgetPositions(this.#record);
    const topics = Object.fromEntries(Object.keys(definition.topics).map((pattern) => [pattern, 0]));
    Object.assign(this.#record, { epoch, through: position, definition: { ...definition, topics } });
    this.#ready = [];
    this.#claimed.clear();
    this.#writer.touch();
  }

  /** Whether an event is the subscription's, and not acknowledged before its first delivery here. */
  wants({ seq, tag }: Position, topic: string): boolean {
    const { through, early, definition } = this.#record;
    return seq > through.seq && early.get(seq) !== tag && asksFor(definition, topic, seq);
  }

  /** Whether an event that comes again is asked for still. */
  asksFor(topic: string, seq: number): boolean {
    return asksFor(this.#record.definition, topic, seq);
  }

  /** Events were delivered for the first time. */
  delivered(positions: readonly Position[]): void {
    if (positions.length === 0) return;
    const now = this.#now;
    for (const position of positions) open(this.#record, position, now);
    this.#writer.touch();
    this.#wakeAt(now + ackWaitOf(this.#record.definition, 1));
  }

  /** An event that was to come again was delivered. Its owner has the whole time to acknowledge it. */
  redelivered(seq: number): void {
    const event = this.#record.open.get(seq);
    if (event !== undefined) event.dueAt = this.#now + ackWaitOf(this.#record.definition, event.deliveries);
    if (this.#ready[0] === seq) this.#ready.shift();
    else this.#ready = this.#ready.filter((each) => each !== seq);
    this.#watch();
  }

  /** An event that was to come again never does: it is gone from the log, is not asked for any more, or may not be seen (`denied`). */
  give(seq: number, why: "gone" | "denied"): void {
    if (why === "gone" || !bury(this.#record, seq, "denied")) this.#record.open.delete(seq);
    this.#writer.touch();
    this.#watch();
  }

  /**
   * Carries out a command. Answers the record once that is stored; `moved` where the record is another holder's by now.
   * @throws {AppError} what the command throws; `unavailable` where it may be stored or not.
   */
  async apply(command: SubscriptionCommand, real: ReadonlySet<number>): Promise<SubscriptionRecord | "moved"> {
    if (this.#ended) return "moved";
    const topics = topicsOf(this.#record);
    applyCommand(this.#record, command, { ...this.#deps.context(), real });
    if (command.do === "look") this.#prepare();
    else {
      this.#stir();
      const flush = this.#writer.flush();
      if (!(await within(STORED_WITHIN_MS, flush))) {
        throw new AppError("unavailable", "the store of subscriptions does not answer; try again");
      }
      if (!(await flush)) return "moved";
    }
    // The stream's registration is for its topics: the client comes back and gets another one.
    if (topicsOf(this.#record) !== topics) this.#reader?.lose("changed");
    return this.#record;
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
    for (const seq of this.#claimed) this.#giveBack(seq);
    this.#record.holder = undefined;
    await this.#writer.close();
  }

  get #now(): number {
    return this.#deps.context().now;
  }

  get #isPaused(): boolean {
    return isPaused(this.#record, this.#now);
  }

  #prepare(): void {
    const record = this.#record;
    const { cursor } = this.#reader ?? {};
    record.seenAt = this.#now;
    if (this.#ended || cursor === undefined || cursor.seq <= record.through.seq) return;
    record.through = cursor;
    for (const seq of record.early.keys()) if (seq <= cursor.seq) record.early.delete(seq);
  }

  #giveBack(seq: number): void {
    const event = this.#record.open.get(seq);
    if (event === undefined) return;
    event.deliveries = Math.max(0, event.deliveries - 1);
    event.dueAt = this.#now;
  }

  #lose(why: "replaced" | "changed"): void {
    if (this.#ended) return;
    this.#stop();
    this.#reader?.lose(why);
  }

  #stop(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.changed.notify();
  }

  /** What is open, or may be delivered, has changed from outside. */
  #stir(): void {
    this.#watch();
    this.changed.notify();
    if (this.next !== undefined) this.#reader?.interrupt();
  }

  /** Waits until the next event is due to come again, or a pause is over. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#wakeAt(this.#nextAt());
  }

  /** A timer that fires too early costs one look. */
  #wakeAt(at: number): void {
    if (this.#ended || this.#reader === undefined || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => void this.#look(), Math.min(Math.max(0, at - this.#now), LONGEST_WAIT_MS));
  }

  #nextAt(): number {
    const { pausedUntil } = this.#record;
    if (this.#isPaused) return typeof pausedUntil === "number" ? pausedUntil : Number.POSITIVE_INFINITY;
    return Math.min(Number.POSITIVE_INFINITY, ...this.#waiting().map(([, { dueAt }]) => dueAt));
  }

  /** The open events that are not to come again already. */
  #waiting() {
    const coming = new Set([...this.#ready, ...this.#claimed]);
    return [...this.#record.open].filter(([seq]) => !coming.has(seq));
  }

  /** Uses up a delivery of each event that is due; once that is stored, they come again. */
  async #look(): Promise<void> {
    const now = this.#now;
    const due = this.#isPaused ? [] : this.#waiting().filter(([, { dueAt }]) => dueAt <= now);
    const again = due.filter(([seq]) => useDelivery(this.#record, seq, now)).map(([seq]) => seq);
    for (const seq of again) this.#claimed.add(seq);
    this.#stir();
    if (due.length === 0 || !(await this.#writer.flush()) || this.#ended) return;
    for (const seq of again) this.#claimed.delete(seq);
    this.#ready = [...this.#ready, ...again].toSorted((a, b) => a - b);
    this.#stir();
  }
}

function topicsOf({ definition }: SubscriptionRecord): string {
  return JSON.stringify(Object.keys(definition.topics).toSorted());
}
