import { setTimeout as delay } from "node:timers/promises";
import type { StreamInfo } from "@nats-io/jetstream";
import type { Logger } from "#shared/log/create-logger.ts";
import { toAppError } from "#shared/errors/app-error.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import type { LogReset } from "../deliver.ts";
import type { LogEntry, Position } from "../event.ts";
import type { Observer } from "../observe/observer.ts";
import type { TenantTurns } from "../turns/share.ts";
import { holeAtEnd } from "./confirm-holes.ts";
import { ConnectionWatch } from "./connection-watch.ts";
import { hasLostMessages } from "./has-lost-messages.ts";
import { EpochWatch, OTHER_EPOCH } from "./epoch-watch.ts";
import {
  epochOf,
  erasuresIn,
  lastPolicyEntry,
  logUnreadable,
  mirroredUpTo,
  positionAt,
  readLogInfo,
  tagAt,
} from "./inspect-log.ts";
import { isFilling, isLevel, type LogSource, silenceIn, sourceOf } from "./log-source.ts";
import type { MirrorWatch } from "./mirror-watch.ts";
import type { Bus } from "./paced-bus.ts";
import type { FeedListener } from "./feed-listener.ts";
import { readOn, STALLED } from "./read-on.ts";
import { StallWatch } from "./stall-watch.ts";
import { reasonOf, TroubleLog } from "./trouble-log.ts";

const BACKOFF = { baseMs: 50, maxMs: 10_000 };

/** A missing log is made again soon, and the question costs little. */
const MISSING_BACKOFF = { baseMs: 50, maxMs: 2_000 };

/** How often the log's leader is asked what the log holds: a purge by hand is noticed after this long. */
const LOOK_EVERY_MS = 5_000;

/** The same where its answers are the log's sign of life, or a hole or a stall is suspected. */
const SIGN_EVERY_MS = 2_000;

/** A mirror that is level and short of what was read, for this long: the entries are lost. */
const SHORT_MS = 3_000;

/** With a round trip of 12 s, six questions are under way at a time. */
const MAX_LOOKS = 6;

/** The edge, as far as a feed uses it. */
export interface FeedDeps {
  readonly bus: Bus;
  /** Entries are read in the tenant's turns. */
  readonly turns: Pick<TenantTurns, "run">;
  readonly mirrors: MirrorWatch;
  readonly maxEventBytes: number;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  readonly log: Logger;
  readonly observer: Pick<Observer, "feedDisturbed" | "feedHole">;
}

/**
 * Opens a tenant's log at its end and begins to read it.
 * @throws {AppError} `tenant_unknown` when there is no such log; `unavailable` when NATS does not answer or the log has
 * settings that would make gaps undetectable.
 */
export async function openFeed(tenant: string, listener: FeedListener, deps: FeedDeps): Promise<AsyncDisposable> {
  const feed = new Feed(tenant, listener, deps);
  try {
    await feed.verify();
  } catch (error) {
    await feed[Symbol.asyncDispose]();
    throw error;
  }
  feed.start();
  return feed;
}

/**
 * Reads one tenant's log in order, with one consumer for all readers of this edge. A consumer is used until something
 * disturbs it (the connection is lost, heartbeats are missed, the leader has a message that did not come). Then the feed
 * inspects the log before it reads on: JetStream itself continues without an error after a recreated stream, a lost tail or
 * an overrun. Starting over also saves the 44 s for which the library's own ordered consumer stalls after a restart of the
 * broker. A feed without progress waits longer each time, and logs that once.
 */
class Feed implements AsyncDisposable {
  readonly #tenant: string;
  readonly #listener: FeedListener;
  readonly #deps: FeedDeps;
  readonly #stop = new AbortController();
  readonly #connection: ConnectionWatch;
  #running: Promise<unknown> = Promise.resolve();
  #epoch: string | undefined;
  #last: Position = { seq: 0, tag: "0" };
  /** The last message that was read: a hole has no tag to compare. */
  #lastMessage: Position = this.#last;
  #isReplicated = false;
  /** The last answer of the log's leader. */
  #seen: StreamInfo["state"] | undefined;
  /** The numbers of the last look begun and ended, and how many are under way. */
  #looks = { begun: 0, ended: 0, open: 0 };
  /** The last sequence before a hole at the log's end that one look has found. */
  #suspectedAfter: number | undefined;
  /** Whether messages are held until the leader has confirmed a hole before them. */
  #isConfirming = false;
  /** Rises with every entry and heartbeat. The leader's answers do not count: it may answer where nobody can read. */
  #progress = 0;
  readonly #trouble: TroubleLog;
  readonly #stall = new StallWatch();
  /** Gives the present consumer up. */
  #giveUp = new AbortController();
  #source: LogSource | undefined;
  readonly #epochs: EpochWatch;
  /** Asks each second whether a log that is no original lives. */
  #mirror: Disposable | undefined;
  /** Since when a mirror is level and lacks what was read of the log before. */
  #shortSince: number | undefined;

  constructor(tenant: string, listener: FeedListener, deps: FeedDeps) {
    this.#tenant = tenant;
    this.#listener = listener;
    this.#deps = deps;
    this.#trouble = new TroubleLog(tenant, deps.log);
    this.#connection = new ConnectionWatch(deps.bus.nats, this.#stop.signal);
    this.#epochs = new EpochWatch(() => this.#askEpoch(), { now: deps.now, stop: this.#stop.signal });
  }

  start(): void {
    this.#running = Promise.all([this.#run(), this.#keepLooking()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#mirror?.[Symbol.dispose]();
    await this.#running;
  }

  /** Checks that the log continues what was read, or reports a reset. */
  async verify(): Promise<void> {
    const { jsm } = this.#deps.bus;
    const asked = this.#tagOfLastMessage();
    // `readLogInfo` reports a missing log.
    asked.catch(() => undefined);
    const askedAt = this.#deps.now();
    const info = await readLogInfo(jsm, this.#tenant);
    const tag = await asked;
    this.#requireFilled(info);
    const relation = this.#relationOf(info, tag);
    this.#isReplicated = info.config.num_replicas > 1;
    if (relation === "same") return this.#apply(info, askedAt);
    const { last_seq } = info.state;
    const common = relation === "epoch" ? this.#commonWith(info, tag) : undefined;
    const [policy, horizon, erased] = await Promise.all([
      lastPolicyEntry(jsm, this.#tenant),
      common ?? this.#beginningOf(info, relation),
      sourceOf(info.config) === "original" ? [] : erasuresIn(jsm, this.#tenant, last_seq),
    ]);
    this.#epoch = epochOf(info);
    this.#advance(horizon);
    this.#lastMessage = horizon;
    this.#seen = info.state;
    this.#take(info, askedAt);
    const mirrored = mirroredUpTo(info);
    const isContinued = common !== undefined;
    this.#listener.onReset({ epoch: this.#epoch, horizon, policy, relation, mirrored, isContinued, erased });
    this.#tellOrigin(info, askedAt);
  }

  /** Where a log begins to be read that does not continue what was read. */
  #beginningOf({ state }: StreamInfo, relation: LogReset["relation"]): Position | Promise<Position> {
    // Nothing was read of a log that was made anew: every reader gets all of it.
    if (relation === "overrun" || relation === "epoch") return { seq: Math.max(0, state.first_seq - 1), tag: "0" };
    return positionAt(this.#deps.bus.jsm, this.#tenant, state.last_seq);
  }

  /**
   * The position up to which a log of another epoch is the one that was read: it was promoted, or is the mirror of one that was. Undefined
   * where the two have nothing in common.
   */
  #commonWith(info: StreamInfo, tag: string | undefined): Position | Promise<Position> | undefined {
    const isSameMessage = tag !== undefined && tag === this.#lastMessage.tag;
    if (isSameMessage && info.state.last_seq >= this.#last.seq) return this.#last;
    const mirrored = mirroredUpTo(info);
    if (mirrored === 0 || mirrored > info.state.last_seq) return undefined;
    return positionAt(this.#deps.bus.jsm, this.#tenant, Math.min(mirrored, this.#last.seq));
  }

  /** A mirror that was just made has nothing yet: that is no loss, until it is level and lacks it all the same. */
  #requireFilled(info: StreamInfo): void {
    const isShort = info.state.last_seq < this.#last.seq && sourceOf(info.config) === "mirror";
    const isWaited = isShort && isLevel(info);
    this.#shortSince = isWaited ? (this.#shortSince ?? this.#deps.now()) : undefined;
    const isLost = this.#shortSince !== undefined && this.#deps.now() - this.#shortSince > SHORT_MS;
    if ((isShort && !isLost) || isFilling(info)) {
      throw logUnreadable(new Error("the mirror of the log does not have yet what the log has"));
    }
  }

  async #askEpoch(): Promise<void> {
    const askedAt = this.#deps.now();
    const info = await readLogInfo(this.#deps.bus.jsm, this.#tenant);
    if (epochOf(info) !== this.#epoch) throw OTHER_EPOCH;
    this.#take(info, askedAt);
    this.#tellOrigin(info, askedAt);
  }

  /** Learns from the leader's answer what the log is: a promotion makes an original of a mirror. */
  #take(info: StreamInfo, askedAt: number): void {
    const source = sourceOf(info.config);
    this.#epochs.note(source === "mirror", info.state.last_seq);
    if (source === this.#source) return;
    this.#source = source;
    this.#listener.onSource(source);
    this.#mirror?.[Symbol.dispose]();
    this.#mirror =
      source === "original" ? undefined : this.#deps.mirrors.watch(this.#tenant, (...heard) => this.#hear(...heard));
    if (source !== "original") this.#listener.onOrigin(askedAt, silenceIn(info));
  }

  #tellOrigin(info: StreamInfo, askedAt: number): void {
    if (this.#source !== "original") this.#listener.onOrigin(askedAt, silenceIn(info));
  }

  /** The answer to the question of each second about a log that is no original. */
  #hear(info: StreamInfo, askedAt: number): void {
    if (this.#stop.signal.aborted) return;
    if (epochOf(info) !== this.#epoch) return this.#giveUp.abort(OTHER_EPOCH);
    this.#take(info, askedAt);
    this.#tellOrigin(info, askedAt);
  }

  /** The tag of the message at the last sequence now; undefined where there is none, or none was read. */
  async #tagOfLastMessage(): Promise<string | undefined> {
    const { seq, tag } = this.#lastMessage;
    return tag === "0" ? undefined : tagAt(this.#deps.bus.jsm, this.#tenant, seq);
  }

  #relationOf({ config, state }: StreamInfo, tag: string | undefined): LogReset["relation"] | "same" {
    if (this.#epoch === undefined) return "first";
    if (this.#epoch !== epochOf({ config })) return "epoch";
    if (state.last_seq < this.#last.seq) return "tail_lost";
    if (tag !== undefined && tag !== this.#lastMessage.tag) return "tail_lost";
    return state.first_seq > this.#last.seq + 1 ? "overrun" : "same";
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0, verified = true; !signal.aborted; verified = false) {
      const before = this.#progress;
      const reason = await this.#readUntilDisturbed(verified).catch((error: unknown) => error as Error);
      if (signal.aborted) return;
      this.#deps.observer.feedDisturbed();
      await this.#connection.up();
      failures = this.#progress > before ? 0 : failures + 1;
      const isMissing = toAppError(reason).code === "tenant_unknown";
      if (isMissing) this.#listener.onMissing();
      if (failures === 0) continue;
      this.#trouble.report(reasonOf(reason));
      await this.#connection.pause(backoffMs(failures, isMissing ? MISSING_BACKOFF : BACKOFF));
    }
  }

  /** Reads until something disturbs it, and answers the reason. */
  async #readUntilDisturbed(verified: boolean): Promise<Error> {
    if (!verified) await this.verify();
    const { bus, turns, maxEventBytes } = this.#deps;
    this.#giveUp = new AbortController();
    return readOn({
      bus,
      turns,
      tenant: this.#tenant,
      epoch: this.#epoch ?? "",
      maxEventBytes,
      after: () => this.#last.seq,
      sureUpTo: () => this.#epochs.sureUpTo,
      makeSure: (seq) => this.#epochs.makeSure(seq),
      lost: AbortSignal.any([this.#connection.lost, this.#giveUp.signal]),
      stop: this.#stop.signal,
      onEntry: (entry) => this.#emit(entry),
      onHoles: (policy) => this.#listener.onHoles(policy),
      onHeartbeat: () => this.#noteHeartbeat(),
      onConfirming: (isConfirming) => (this.#isConfirming = isConfirming),
    });
  }

  #emit(entry: LogEntry): boolean {
    if (!this.#listener.onEntry(entry)) return false;
    if (entry.kind === "hole") this.#deps.observer.feedHole();
    else this.#lastMessage = entry.position;
    this.#advance(entry.position);
    this.#trouble.end();
    return true;
  }

  #advance(position: Position): void {
    this.#last = position;
    this.#progress += 1;
  }

  /** A heartbeat is no sign of life while messages are held, nor from a replica that may be cut off. */
  #noteHeartbeat(): void {
    if (this.#isConfirming) return;
    this.#stall.noteHeartbeat();
    this.#progress += 1;
    this.#trouble.end();
    if (!this.#isLeaderAsked && this.#source === "original") this.#listener.onAlive();
  }

  /**
   * Of a replica that is cut off, consumers still send heartbeats while the log goes on without it. Behind a slow network
   * heartbeats are too rare. There the leader's answers are the sign of life.
   */
  get #isLeaderAsked(): boolean {
    return this.#isReplicated || !this.#deps.bus.pacing.isHeartbeatEnough;
  }

  /** Asks the leader regularly what the log holds, without waiting for earlier answers. */
  async #keepLooking(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const isSoon = this.#isLeaderAsked || this.#suspectedAfter !== undefined || this.#stall.isSuspected;
      await delay(isSoon ? SIGN_EVERY_MS : LOOK_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted && this.#looks.open < MAX_LOOKS) void this.#look();
    }
  }

  async #look(): Promise<void> {
    const look = (this.#looks.begun += 1);
    const { seq } = this.#last;
    const askedAt = this.#deps.now();
    this.#looks.open += 1;
    try {
      const info = await readLogInfo(this.#deps.bus.jsm, this.#tenant);
      // An answer that a later one has overtaken is out of date.
      if (this.#stop.signal.aborted || look < this.#looks.ended) return;
      this.#looks.ended = look;
      // A log that was made anew has taken its consumers with it; one that was promoted has not.
      if (epochOf(info) !== this.#epoch) return this.#giveUp.abort(OTHER_EPOCH);
      this.#apply(info, askedAt);
      if (this.#isStillAt(seq)) await this.#passHoleAtEnd(info);
      if (this.#isStillAt(seq)) this.#giveUpStalled(info);
    } catch {
      // Reading the log meets the same failure, and reports it.
    } finally {
      this.#looks.open -= 1;
    }
  }

  /** Applies the leader's answer. Where everything is read, it is a sign of life. */
  #apply(info: StreamInfo, askedAt: number): void {
    const { state } = info;
    this.#take(info, askedAt);
    this.#tellOrigin(info, askedAt);
    if (this.#seen !== undefined && hasLostMessages(this.#seen, state)) this.#listener.onPurged();
    this.#seen = state;
    this.#listener.onBounds(state.first_seq, state.last_seq);
    if (state.last_seq <= this.#last.seq && this.#source === "original") this.#listener.onAlive();
  }

  /**
   * Passes a hole at the log's end: no later message shows it, and a revoke may be in it. Two looks, seconds apart, must
   * find it: a leader that was just replaced may answer once more, without the newest messages.
   */
  async #passHoleAtEnd(info: StreamInfo): Promise<void> {
    const { bus } = this.#deps;
    const { seq } = this.#last;
    const hole = await holeAtEnd(bus, this.#tenant, seq, info);
    const isFoundAgain = hole !== undefined && this.#suspectedAfter === seq;
    this.#suspectedAfter = hole === undefined ? undefined : seq;
    if (hole === undefined || !isFoundAgain) return;
    const policy = await lastPolicyEntry(bus.jsm, this.#tenant);
    if (!this.#isStillAt(seq)) return;
    this.#listener.onHoles(policy);
    this.#emit(hole);
  }

  /** Takes another consumer where this one does not bring what the log has: it would say for ever that it lives. */
  #giveUpStalled({ state }: StreamInfo): void {
    if (!this.#stall.isStalled({ readSeq: this.#last.seq, lastSeq: state.last_seq })) return;
    this.#trouble.report(STALLED.message);
    this.#giveUp.abort(STALLED);
  }

  #isStillAt(seq: number): boolean {
    return this.#last.seq === seq && !this.#isConfirming && !this.#stop.signal.aborted;
  }
}
