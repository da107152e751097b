import { setTimeout as delay } from "node:timers/promises";
import type { StreamInfo } from "@nats-io/jetstream";
import { mirroredUpTo } from "#shared/contract/home.ts";
import { toAppError } from "#shared/errors/app-error.ts";
import { backoffMs } from "#shared/time/backoff.ts";
import type { LogEntry, Position } from "../event.ts";
import { holeAtEnd } from "./confirm-holes.ts";
import { ConnectionWatch } from "./connection-watch.ts";
import { hasLostMessages } from "./has-lost-messages.ts";
import { OTHER_EPOCH } from "./epoch-watch.ts";
import { epochOf, erasuresIn, lastPolicyEntry, mayHoldErasedUpTo, readLogInfo, tagAt } from "./inspect-log.ts";
import { beginningOf, commonWith, FillingMirror, type ReadSoFar, relationOf, storedAtEnd } from "./log-relation.ts";
import { SourceWatch } from "./source-watch.ts";
import type { FeedDeps, FeedListener } from "./feed-listener.ts";
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

/** With a round trip of 12 s, six questions are under way at a time. */
const MAX_LOOKS = 6;

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
  /** When the log stored the last entry of which that is known. */
  #storedAt: number | undefined;
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
  readonly #source: SourceWatch;
  readonly #filling: FillingMirror;

  constructor(tenant: string, listener: FeedListener, deps: FeedDeps) {
    this.#tenant = tenant;
    this.#listener = listener;
    this.#deps = deps;
    this.#trouble = new TroubleLog(tenant, deps.log);
    this.#connection = new ConnectionWatch(deps.bus.nats, this.#stop.signal);
    this.#filling = new FillingMirror(deps.now);
    this.#source = new SourceWatch({
      ...deps,
      tenant,
      listener,
      stop: this.#stop.signal,
      epoch: () => this.#epoch,
      readSeq: () => this.#last.seq,
      onOtherEpoch: (reason) => this.#giveUp.abort(reason),
    });
  }

  start(): void {
    this.#running = Promise.all([this.#run(), this.#keepLooking()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#source[Symbol.dispose]();
    await this.#running;
  }

  /** Checks that the log continues what was read, or reports a reset. */
  async verify(): Promise<void> {
    const { bus } = this.#deps;
    const asked = this.#tagOfLastMessage();
    // `readLogInfo` reports a missing log.
    asked.catch(() => undefined);
    const askedAt = this.#deps.now();
    const info = await readLogInfo(bus.jsm, this.#tenant);
    const tag = await asked;
    this.#filling.requireFilled(info, this.#last);
    const relation = relationOf(this.#read, info, tag);
    this.#isReplicated = info.config.num_replicas > 1;
    if (relation === "same") return this.#apply(info, askedAt);
    const common = relation === "epoch" ? commonWith(bus, this.#tenant, this.#read, { info, tag }) : undefined;
    const [policy, horizon, erased] = await Promise.all([
      lastPolicyEntry(bus.jsm, this.#tenant),
      common ?? beginningOf(bus, this.#tenant, { info, relation, read: this.#read }),
      erasuresIn(bus.jsm, this.#tenant, { from: 1, last: mayHoldErasedUpTo(info) }),
    ]);
    this.#epoch = epochOf(info);
    this.#advance(horizon);
    this.#lastMessage = horizon;
    this.#storedAt = storedAtEnd(info, horizon) ?? (relation === "tail_lost" ? this.#storedAt : undefined);
    this.#seen = info.state;
    this.#source.take(info, askedAt);
    const [mirrored, isContinued] = [mirroredUpTo(info), common !== undefined];
    this.#listener.onReset({ epoch: this.#epoch, horizon, policy, relation, mirrored, isContinued, erased });
    // The log has begun anew, and with it what is known of its life.
    this.#source.report(info, askedAt);
  }

  get #read(): ReadSoFar {
    return { epoch: this.#epoch, last: this.#last, lastMessage: this.#lastMessage, storedAt: this.#storedAt };
  }

  /** The tag of the message at the last sequence now; undefined where there is none, or none was read. */
  async #tagOfLastMessage(): Promise<string | undefined> {
    const { seq, tag } = this.#lastMessage;
    return tag === "0" ? undefined : tagAt(this.#deps.bus.jsm, this.#tenant, seq);
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
      sureUpTo: () => this.#source.sureUpTo,
      makeSure: this.#source.makeSure,
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
    if ("storedAt" in entry) this.#storedAt = entry.storedAt;
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
    if (!this.#isLeaderAsked && this.#source.isOriginal) this.#listener.onAlive();
  }

  /**
   * Of a replica that is cut off, consumers still send heartbeats while the log goes on without it. Behind a slow network
   * heartbeats are too rare. A log that was just fenced sends them for ever. There the leader's answers are the sign of life.
   */
  get #isLeaderAsked(): boolean {
    const isLeft = this.#source.isOriginal && this.#deps.seat.seat?.is === "elsewhere";
    return this.#isReplicated || isLeft || !this.#deps.bus.pacing.isHeartbeatEnough;
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
    this.#source.take(info, askedAt);
    if (this.#seen !== undefined && hasLostMessages(this.#seen, state)) this.#listener.onPurged();
    this.#seen = state;
    this.#listener.onBounds(state.first_seq, state.last_seq);
    if (state.last_seq <= this.#last.seq && this.#source.isOriginal) this.#listener.onAlive();
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
