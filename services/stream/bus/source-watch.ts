import type { StreamInfo } from "@nats-io/jetstream";
import { EpochWatch, OTHER_EPOCH } from "./epoch-watch.ts";
import type { FeedListener } from "./feed-listener.ts";
import { epochOf, erasuresIn, readLogInfo } from "./inspect-log.ts";
import { type LogSource, silenceIn, sourceOf } from "./log-source.ts";
import type { MirrorWatch } from "./mirror-watch.ts";
import type { Bus } from "./paced-bus.ts";

/** What a log's source is followed by. */
export interface SourceWatchDeps {
  readonly tenant: string;
  readonly bus: Bus;
  readonly mirrors: MirrorWatch;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  readonly stop: AbortSignal;
  readonly listener: Pick<FeedListener, "onSource" | "onOrigin" | "onErasures">;
  /** The epoch that is read. */
  readonly epoch: () => string | undefined;
  /** The last sequence that was read. */
  readonly readSeq: () => number;
  /** Called where the log has begun another epoch, with the reason to give its consumer up. */
  readonly onOtherEpoch: (reason: Error) => void;
}

/** Follows whether a log is an original, a mirror or fenced, as its leader's answers say, and by what it lives. */
export class SourceWatch implements Disposable {
  readonly #deps: SourceWatchDeps;
  readonly #epochs: EpochWatch;
  #source: LogSource | undefined;
  /** Asks each second whether a log that is no original lives. */
  #asking: Disposable | undefined;
  /** What was read last, and when it was all there was, or another than before. */
  #held = { seq: 0, since: 0 };

  constructor(deps: SourceWatchDeps) {
    this.#deps = deps;
    this.#epochs = new EpochWatch(() => this.#askEpoch(), deps);
  }

  /** Whether the log is written here: its entries and heartbeats say that it lives. */
  get isOriginal(): boolean {
    return this.#source === "original";
  }

  /** The last sequence that is known to be of the epoch that is read. */
  get sureUpTo(): number {
    return this.#epochs.sureUpTo;
  }

  /**
   * Resolves once the sequence is known to be of the epoch that is read, and what the log says of erased entries behind what was read has
   * been told; rejects where another epoch has begun.
   */
  readonly makeSure = (seq: number): Promise<void> => this.#epochs.makeSure(seq);

  /** Takes an answer of the leader, asked at that monotonic time, about the epoch that is read. */
  take(info: StreamInfo, askedAt: number): void {
    const { tenant, mirrors, listener, stop } = this.#deps;
    const source = sourceOf(info.config);
    this.#epochs.note(source === "mirror", info.state.last_seq);
    if (source !== this.#source) {
      this.#source = source;
      listener.onSource(source);
      this.#asking?.[Symbol.dispose]();
      // A question that is under way when the feed ends is answered behind that.
      const isFollowed = source !== "original" && !stop.aborted;
      this.#asking = isFollowed ? mirrors.watch(tenant, (...heard) => this.#hear(...heard)) : undefined;
    }
    this.report(info, askedAt);
  }

  /** Says for how long nothing was heard of the region that writes the log. What cannot be read is not heard. */
  report(info: StreamInfo, askedAt: number): void {
    if (this.isOriginal) return;
    this.#deps.listener.onOrigin(askedAt, Math.max(silenceIn(info), this.#heldMs(info, askedAt)));
  }

  /** For how long the log has had other entries than what was read: it cannot be read on, or is just made anew. */
  #heldMs({ state }: StreamInfo, askedAt: number): number {
    const seq = this.#deps.readSeq();
    if (seq === state.last_seq || seq !== this.#held.seq) this.#held = { seq, since: askedAt };
    return Math.max(0, askedAt - this.#held.since);
  }

  [Symbol.dispose](): void {
    this.#asking?.[Symbol.dispose]();
  }

  #hear(info: StreamInfo, askedAt: number): void {
    const { stop, epoch, onOtherEpoch } = this.#deps;
    if (stop.aborted) return;
    if (epochOf(info) !== epoch()) return onOtherEpoch(OTHER_EPOCH);
    this.take(info, askedAt);
  }

  /** A mirror brings events that are erased already, and the erasure behind them: whoever passes them on has to know of it before. */
  async #askEpoch(): Promise<number> {
    const { bus, tenant, now, epoch, listener, readSeq } = this.#deps;
    const askedAt = now();
    const info = await readLogInfo(bus.jsm, tenant);
    if (epochOf(info) !== epoch()) throw OTHER_EPOCH;
    const isMirror = sourceOf(info.config) === "mirror";
    const last = info.state.last_seq;
    if (isMirror) listener.onErasures(await erasuresIn(bus.jsm, tenant, { from: readSeq() + 1, last }));
    this.take(info, askedAt);
    return isMirror ? last : Number.POSITIVE_INFINITY;
  }
}
