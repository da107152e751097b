import type { StreamInfo } from "@nats-io/jetstream";
import type { PolicyEntry } from "#shared/contract/control-entry.ts";
import { Notifier } from "#shared/async/notifier.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { holeOf, type LogEntry } from "../event.ts";
import { Queue } from "../turns/queue.ts";
import type { TenantTurns } from "../turns/share.ts";
import { areConfirmed, type MissingRun, missingRuns } from "./confirm-holes.ts";
import { decodeEntry, positionOf, type StoredMessage } from "./decode-entry.ts";
import { epochOf, lastPolicyEntry, readLogInfo } from "./inspect-log.ts";
import type { Bus } from "./paced-bus.ts";

/** Holes the leader is asked about at a time. It answers each with a message, which may be as large as any. */
const MAX_RUNS = 64;

/** Messages that wait here for the tenant's turns, or for the leader's answer. Others wait where they are: none is asked for meanwhile. */
const MAX_HELD = { messages: 1_000, bytes: 4 * 1024 * 1024 };

/** Messages of together about this size are passed in one step: it takes a tenth of a millisecond. */
const STEP_BYTES = 16 * 1024;

/** What a message costs beside its payload. */
const MESSAGE_OVERHEAD_BYTES = 500;

/** A log that is read on, and the receiver of its entries. */
export interface WindowDeps {
  readonly bus: Bus;
  readonly turns: Pick<TenantTurns, "run">;
  readonly tenant: string;
  readonly epoch: string;
  readonly maxEventBytes: number;
  /** The sequence that was read last. */
  readonly after: () => number;
  /** The last sequence that is known to be of this epoch: a mirror that is promoted goes on with its consumers. */
  readonly sureUpTo: () => number;
  /** Resolves once that sequence is known to be of this epoch; rejects where another one has begun. */
  readonly makeSure: (seq: number) => Promise<void>;
  /** Called with each entry, in order; answers false where the entry must come again. */
  readonly onEntry: (entry: LogEntry) => boolean;
  /** A hole comes next, and maybe more of them; `policy` is the last policy entry that is left. */
  readonly onHoles: (policy: PolicyEntry | undefined) => void;
  /** Whether messages are held until the leader has confirmed that others are gone. */
  readonly onConfirming: (isConfirming: boolean) => void;
}

/**
 * Passes a consumer's messages on in order, in the tenant's turns. Where one does not follow the last, it and all later ones
 * are held until the stream's leader has confirmed that the missing ones are gone. The leader is asked about all missing runs
 * at once.
 */
export class MessageWindow {
  readonly #deps: WindowDeps;
  readonly #disturb: (reason: Error) => void;
  #held = new Queue<StoredMessage>();
  #heldBytes = 0;
  #isAbandoned = false;
  #isConfirming = false;
  /** Whether it waits to know of which epoch the next message is. */
  #isUnsure = false;
  /** Whether the next message is passed in one of the tenant's turns. */
  #isPassing = false;
  /** Notified when a step is done, or everything is dropped. */
  readonly #moved = new Notifier();

  constructor(deps: WindowDeps, disturb: (reason: Error) => void) {
    this.#deps = deps;
    this.#disturb = disturb;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  get isFull(): boolean {
    return this.#held.length >= MAX_HELD.messages || this.#heldBytes >= MAX_HELD.bytes;
  }

  /** Resolves once more may be received. */
  async room(): Promise<void> {
    while (this.isFull) await this.#moved.next();
  }

  /** Resolves once nothing is held any more. */
  async drained(): Promise<void> {
    while (!this.isEmpty) await this.#moved.next();
  }

  /** Drops what is held, and passes nothing any more. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#held = new Queue();
    this.#heldBytes = 0;
    this.#moved.notify();
  }

  receive(message: StoredMessage): void {
    if (this.#isAbandoned) return;
    const before = this.#held.last?.seq ?? this.#deps.after();
    if (message.seq <= before) return this.#disturb(new AppError("unavailable", "a message came a second time"));
    this.#held.push(message);
    this.#heldBytes += bytesOf(message);
    this.#passOn();
  }

  #passOn(): void {
    if (this.#isPassing || this.#isConfirming || this.#isUnsure) return;
    this.#isPassing = true;
    this.#deps.turns.run(() => {
      this.#isPassing = this.#passSome();
      return this.#isPassing;
    });
  }

  /** Passes the messages of one step; answers whether there are others to pass in later ones. */
  #passSome(): boolean {
    const most = this.#heldBytes - STEP_BYTES;
    while (this.#heldBytes > most && this.#passNext());
    this.#moved.notify();
    return !this.isEmpty && !this.#isConfirming && !this.#isUnsure;
  }

  /** Passes the next message; answers false where that must wait, or there is none. */
  #passNext(): boolean {
    const { first } = this.#held;
    if (first === undefined) return false;
    if (first.seq > this.#deps.after() + 1) {
      this.#isConfirming = true;
      void this.#confirm();
      return false;
    }
    if (first.seq > this.#deps.sureUpTo()) {
      this.#isUnsure = true;
      void this.#makeSure(first.seq);
      return false;
    }
    try {
      if (!this.#pass(first)) return false;
      this.#dropFirst();
      return true;
    } catch (error) {
      this.#giveUp(error);
      return false;
    }
  }

  async #makeSure(seq: number): Promise<void> {
    try {
      await this.#deps.makeSure(seq);
    } catch (error) {
      this.#giveUp(error);
    } finally {
      this.#isUnsure = false;
      this.#moved.notify();
      this.#passOn();
    }
  }

  async #confirm(): Promise<void> {
    const { onConfirming, onHoles, after } = this.#deps;
    onConfirming(true);
    try {
      const runs = missingRuns(after(), this.#held.items().map(positionOf)).slice(0, MAX_RUNS);
      const policy = await confirmRuns(this.#deps, runs);
      if (this.#isAbandoned) return;
      onHoles(policy);
      const end = runs.at(-1)?.next.seq ?? after();
      // In one step: no reader may be in an audience again before the last hole.
      while ((this.#held.first?.seq ?? Number.POSITIVE_INFINITY) <= end) this.#passBehindHole();
    } catch (error) {
      this.#giveUp(error);
    } finally {
      this.#isConfirming = false;
      onConfirming(false);
      this.#moved.notify();
      this.#passOn();
    }
  }

  #passBehindHole(): void {
    const { first } = this.#held;
    if (first === undefined) return;
    const next = this.#deps.after() + 1;
    if (first.seq > next) this.#deps.onEntry(holeOf(next, first.seq - 1));
    // Nothing is written while every reader is held: no entry has to come again.
    this.#pass(first);
    this.#dropFirst();
  }

  /** Answers false where the message must come again. One that was passed as a hole meanwhile is not passed. */
  #pass(message: StoredMessage): boolean {
    const { tenant, maxEventBytes, onEntry, after } = this.#deps;
    if (message.seq <= after()) return true;
    return onEntry(decodeEntry(tenant, maxEventBytes, message));
  }

  #dropFirst(): void {
    const dropped = this.#held.shift();
    if (dropped !== undefined) this.#heldBytes -= bytesOf(dropped);
  }

  #giveUp(error: unknown): void {
    this.abandon();
    this.#disturb(error as Error);
  }
}

/** The memory of a held message. */
function bytesOf(message: StoredMessage): number {
  return message.data.length + (message.headers?.length ?? 0) + MESSAGE_OVERHEAD_BYTES;
}

/**
 * Asks the leader about every run, and for the last policy entry.
 * @throws {AppError} `unavailable` where the leader's log differs from the consumer's.
 */
async function confirmRuns(
  { bus, tenant, epoch }: WindowDeps,
  runs: readonly MissingRun[],
): Promise<PolicyEntry | undefined> {
  const info = await readLogInfo(bus.jsm, tenant);
  const [policy, confirmed] = await Promise.all([
    lastPolicyEntry(bus.jsm, tenant),
    areConfirmed(bus, tenant, runs, info),
  ]);
  if (isSameLog(info, epoch, runs) && confirmed.every(Boolean)) return policy;
  throw new AppError("unavailable", "the log's leader has another log than its consumer");
}

/** Whether the leader's log is the one that is read, and has neither lost its beginning up to here nor its end. */
function isSameLog(info: StreamInfo, epoch: string, runs: readonly MissingRun[]): boolean {
  const { first_seq, last_seq } = info.state;
  const [first, last] = [runs[0]?.hole.first ?? 0, runs.at(-1)?.next.seq ?? 0];
  return epochOf(info) === epoch && first_seq <= first && last_seq >= last;
}
