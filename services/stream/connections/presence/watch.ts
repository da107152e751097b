import { encodeControl, type FrameFormat } from "../../frames/encode-frame.ts";
import type { ControlData } from "#shared/protocol/control-frames.ts";
import type { PresenceNews } from "../../presence/presence-news.ts";
import type { Interest, WatchedTopic, WatchPeers } from "../../presence/ports.ts";
import { WatchedPeople } from "../../presence/watched-people.ts";
import type { Tenant } from "../tenant.ts";

/** So many frames are written in a step: a write takes 5 to 20 µs. */
const PER_STEP = 50;

/** A worker has so long to say whom it knows before a first frame is written without it. */
const FIRST_FRAME_MS = 1_000;

/** A stream that watches the topic. */
export interface Follower {
  /** The number of the last frame that it got; undefined where the next one has to say everything. */
  seq: number | undefined;
  readonly framing: FrameFormat["framing"];
  /** Writes a frame if the stream may have it and takes it now; answers whether it did. */
  write(frame: Buffer): boolean;
}

/** The edge, as far as a watch uses it. */
export interface WatchDeps {
  readonly peers: Pick<WatchPeers, "ask" | "follow">;
  /** Asks this worker's own sources, as `peers.ask` asks the others. */
  readonly askHere: (interest: Interest) => void;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
}

/** A topic that streams of this worker watch: who listens to it anywhere, and who is told so. */
export class Watch implements Disposable {
  readonly tenant: Tenant;
  readonly people: WatchedPeople;
  readonly followers = new Set<Follower>();
  readonly #topic: WatchedTopic;
  readonly #deps: WatchDeps;
  readonly #began: number;
  readonly #following: Disposable;

  constructor(tenant: Tenant, topic: string, deps: WatchDeps) {
    this.tenant = tenant;
    this.people = new WatchedPeople(topic);
    this.#topic = { tenant: tenant.id, topic };
    this.#deps = deps;
    this.#began = deps.now();
    this.#following = deps.peers.follow(this.#topic, (workerId, news) => this.apply(workerId, news));
  }

  /** Says that the topic is watched, and what is known of it. */
  ask(): void {
    const interest = { ...this.#topic, known: this.people.known };
    this.#deps.peers.ask(interest);
    this.#deps.askHere(interest);
  }

  /** Takes over a worker's news. */
  apply(workerId: string, news: PresenceNews): void {
    if (this.people.apply(workerId, news)) this.ask();
  }

  /** Writes to every follower what it has not got; not to be called before the last call is over. `isCertain`: which workers live is known, by name or by their number. */
  async flush(isCertain: boolean, expectedWorkers: number): Promise<void> {
    const now = this.#deps.now();
    const hasAll = isCertain && this.people.workers >= expectedWorkers;
    const isReady = hasAll && this.people.isSettled(now);
    if (this.people.seq === 0 && !isReady && now - this.#began < FIRST_FRAME_MS) return;
    const next = this.people.next(now, hasAll);
    await this.#write(next && oncePerFraming(next));
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
  }

  async #write(next: FrameOf | undefined): Promise<void> {
    const { seq } = this.people;
    let [snapshot, written]: [FrameOf | undefined, number] = [undefined, 0];
    for (const follower of this.followers) {
      if (follower.seq === seq) continue;
      const isNext = follower.seq === seq - 1 && next !== undefined;
      const frameOf = isNext ? next : (snapshot ??= oncePerFraming(this.people.snapshot()));
      if (!follower.write(frameOf(follower.framing))) continue;
      follower.seq = seq;
      written += 1;
      if (written % PER_STEP === 0) await this.tenant.turns.next();
    }
  }
}

/** The frame of a change for followers of a framing. */
type FrameOf = (framing: FrameFormat["framing"]) => Buffer;

/** A frame is made once for all followers of a framing. */
function oncePerFraming(data: ControlData["presence"]): FrameOf {
  const made = new Map<FrameFormat["framing"], Buffer>();
  return (framing) => {
    const frame = made.get(framing) ?? encodeControl({ framing }, "presence", data);
    made.set(framing, frame);
    return frame;
  };
}
