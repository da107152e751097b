import type { Frame } from "../shared/protocol/frame.ts";
import type { Environment } from "./environment/environment.ts";
import type { FollowRoad, RoadRequest } from "./roads/road.ts";
import { isEvent, isFarewell, readControl } from "./control.ts";
import type { ConnectionEnd } from "./state-machine.ts";

/** A road answers at all within this, or it is taken for one that is blocked: an edge waits 5 s for what it asks itself, and then says so. */
const HEADERS_MS = 6_000;

/** The first frame comes with the headers, unless something keeps it. */
const FIRST_FRAME_MS = 3_000;

/** So many heartbeats without a sign of life, and a connection is dead: one may be late, and a second one lost. */
const SILENT_HEARTBEATS = 2.5;

/** How often the silence is measured: by the wall clock, which goes on while a device sleeps. */
const LOOK_MS = 5_000;

/** What a connection is made with. */
export interface ConnectionSettings {
  readonly environment: Pick<Environment, "now" | "after">;
  readonly follow: FollowRoad;
  readonly request: RoadRequest;
  readonly heartbeatMs: number;
  /** Hears each frame, until the connection has ended. */
  readonly onFrame: (frame: Frame) => void;
  readonly onTransports: (transports: readonly string[] | undefined) => void;
}

/** One connection along one road: it ends when the road does, when the edge says so, when it is silent, or when it is left. */
export class Connection {
  /** How it ended. */
  readonly ended: Promise<ConnectionEnd>;
  readonly #settings: ConnectionSettings;
  readonly #road = new AbortController();
  #resolve: (end: ConnectionEnd) => void = () => {};
  #cancelTimer: () => void = () => {};
  #heardAt: number;
  #isOver = false;
  #isWatched = false;

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.#heardAt = settings.environment.now();
    this.ended = new Promise((resolve) => (this.#resolve = resolve));
    this.#expect(HEADERS_MS, "timeout");
    const listener = {
      onOpen: (transports: readonly string[] | undefined) => this.#open(transports),
      onBytes: () => (this.#heardAt = settings.environment.now()),
      onFrame: (frame: Frame) => this.#hear(frame),
    };
    void settings.follow(settings.request, listener, this.#road.signal).then((end) => this.end(end));
  }

  /** Ends it, whatever is still on its way: nothing of it is heard any more. */
  end(end: ConnectionEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer();
    this.#road.abort();
    this.#resolve(end);
  }

  /** Ends it where it was silent for too long. */
  look(): void {
    const { environment, heartbeatMs } = this.#settings;
    const now = environment.now();
    // The clock may have been set back.
    this.#heardAt = Math.min(this.#heardAt, now);
    if (now - this.#heardAt > SILENT_HEARTBEATS * heartbeatMs) this.end({ kind: "stalled" });
  }

  #open(transports: readonly string[] | undefined): void {
    if (this.#isOver) return;
    this.#settings.onTransports(transports);
    this.#expect(FIRST_FRAME_MS, "buffered");
  }

  #hear(frame: Frame): void {
    if (this.#isOver) return;
    if (!this.#isWatched) this.#watch();
    this.#settings.onFrame(frame);
    if (isEvent(frame)) return;
    const control = readControl(frame);
    if (isFarewell(control)) this.end({ kind: "farewell", farewell: control });
  }

  #watch(): void {
    this.#isWatched = true;
    this.#cancelTimer();
    this.#cancelTimer = this.#settings.environment.after(LOOK_MS, () => {
      this.look();
      if (!this.#isOver) this.#watch();
    });
  }

  #expect(ms: number, kind: "timeout" | "buffered"): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#settings.environment.after(ms, () => this.end({ kind }));
  }
}
