import { setTimeout as delay } from "node:timers/promises";
import type { Transport } from "#shared/protocol/transports.ts";
import { openRoad, type RoadStream } from "#test/support/open-road.ts";
import type { Frame } from "#test/support/parse-frame.ts";
import { waitFor } from "#test/support/wait.ts";
import { type Ledger, monotonicMs } from "./ledger.ts";

/** A client, its token and its edges. */
export interface ReaderOptions {
  /** Names the client in the ledger. */
  readonly client: string;
  readonly tenant: string;
  readonly token: string;
  /** The stream's address, on one edge or several: each connection goes to the next of them. */
  readonly urls: readonly string[];
  /** The roads of its connections, each of the next of them; Server-Sent Events by default. */
  readonly roads?: readonly Transport[];
  /** Where the first connection begins; now by default. */
  readonly after?: string;
}

/** A client that writes a ledger. It comes back after its last id whenever its connection ends, as an EventSource does. */
export interface LedgerReader extends AsyncDisposable {
  /** Every frame of all connections so far. */
  readonly frames: readonly Frame[];
  /** How many connections it has had that are over. */
  readonly connections: number;
  /** Whether it comes back no more. */
  readonly isOver: boolean;
  /** Waits for a frame that matches, also among those already here. */
  frame(matches: string | ((frame: Frame) => boolean), timeoutMs?: number): Promise<Frame>;
  /** Ends the connection; the next one follows at once. */
  hop(): void;
  /** Stops reading; `false` reads on. */
  pause(paused: boolean): void;
  /** Waits for the event with this text, and notes that everything before it was due. */
  complete(text: string, timeoutMs?: number): Promise<void>;
}

/** Starts a reader, and waits until its stream is ready. */
export async function startReader(ledger: Ledger, options: ReaderOptions): Promise<LedgerReader> {
  const reader = new Reader(ledger, options);
  await reader.frame(({ event }) => event === "ready" || event === "reset");
  return reader;
}

class Reader implements LedgerReader {
  readonly frames: Frame[] = [];
  connections = 0;
  readonly #ledger: Ledger;
  readonly #options: ReaderOptions;
  readonly #running: Promise<void>;
  #stream: RoadStream | undefined;
  #connection: string | undefined;
  #lastId: string | undefined;
  #stopped = false;

  constructor(ledger: Ledger, options: ReaderOptions) {
    this.#ledger = ledger;
    this.#options = options;
    this.#lastId = options.after;
    this.#running = this.#run();
  }

  get isOver(): boolean {
    return this.#stopped;
  }

  frame(matches: string | ((frame: Frame) => boolean), timeoutMs?: number): Promise<Frame> {
    const test = typeof matches === "string" ? ({ event }: Frame) => event === matches : matches;
    return waitFor(`${this.#options.client}: frame ${String(matches)}`, () => this.frames.find(test), timeoutMs).catch(
      (error: Error) => {
        throw new Error(`${error.message}; the last frames are ${JSON.stringify(this.frames.slice(-5))}`);
      },
    );
  }

  hop(): void {
    void this.#stream?.[Symbol.asyncDispose]();
  }

  pause(paused: boolean): void {
    this.#stream?.pause(paused);
  }

  async complete(text: string, timeoutMs = 20_000): Promise<void> {
    this.#ledger.push({ of: "complete", client: this.#options.client, text });
    await this.frame(({ data, event }) => data === text && event === "message", timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.hop();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (; !this.#stopped; this.connections += 1) {
      try {
        await this.#connect();
      } catch {
        // The edge is away: it is asked again.
        await delay(50);
      }
    }
  }

  async #connect(): Promise<void> {
    const { client, tenant, token, urls, roads = ["sse"] } = this.#options;
    const connection = `${client}/${this.connections}`;
    const after = this.#lastId;
    this.#connection = connection;
    this.#ledger.push({ of: "opened", client, tenant, connection, after, at: monotonicMs() });
    const road = roads[this.connections % roads.length] ?? "sse";
    const stream = await openRoad(road, urls[this.connections % urls.length] ?? "", {
      token,
      ...(after === undefined ? {} : { lastEventId: after }),
      onFrame: (frame) => this.#note(connection, frame),
    });
    this.#stream = stream;
    if (this.#stopped) await stream[Symbol.asyncDispose]();
    await stream.closed();
    // Frames decoded after the end do not count: the next connection goes on after the last id that was noted.
    this.#connection = undefined;
  }

  #note(connection: string, frame: Frame): void {
    if (connection !== this.#connection) return;
    const { event, id, data } = frame;
    const { client } = this.#options;
    this.frames.push(frame);
    this.#lastId = id ?? this.#lastId;
    this.#ledger.push({ of: "received", client, connection, event, id, text: data, at: monotonicMs() });
  }
}
