import { setTimeout as delay } from "node:timers/promises";
import type { Transport } from "#shared/protocol/transports.ts";
import { openRoad, type RoadOptions, type RoadStream } from "#test/support/open-road.ts";
import type { Frame } from "#test/support/parse-frame.ts";
import { waitFor } from "#test/support/wait.ts";
import { type Ledger, monotonicMs } from "./ledger.ts";

/** A client that is refused again and again asks this seldom in the end. */
const MAX_PAUSE_MS = 1_000;

/** A client, its token and its edges. */
export interface ReaderOptions {
  /** Names the client in the ledger. */
  readonly client: string;
  readonly tenant: string;
  /** Its access token, or where a client has the one of the moment. */
  readonly token: string | (() => string);
  /** The stream's address, on one edge or several: each connection goes to the next of them. */
  readonly urls: readonly string[];
  /** The roads of its connections, each of the next of them; Server-Sent Events by default. */
  readonly roads?: readonly Transport[];
  /** Where the first connection begins; now by default. */
  readonly after?: string;
  /** Told the status of each answer that brought no stream; 0 where there was none. */
  readonly onRefused?: (status: number) => void;
  /** Gives up a connection by which nothing has come for so long, as one that stands open to nobody; never by default. */
  readonly patienceMs?: number;
  /** Whether the ends of its session that it is told are promises of the run; the machine's clock is auth's then. */
  readonly notesExpiry?: boolean;
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
  /** Whether the connection has brought more than the word that there is no room. */
  #isWelcome = false;
  #lastFrameAt = 0;
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
    // Each frame is looked at once: there may be hundreds of thousands.
    let seen = 0;
    const find = (): Frame | undefined => {
      while (seen < this.frames.length) {
        const frame = this.frames[seen++];
        if (frame !== undefined && test(frame)) return frame;
      }
      return undefined;
    };
    return waitFor(`${this.#options.client}: frame ${String(matches)}`, find, timeoutMs).catch((error: Error) => {
      throw new Error(`${error.message}; the last frames are ${JSON.stringify(this.frames.slice(-5))}`);
    });
  }

  hop(): void {
    this.#isWelcome = true;
    void this.#stream?.[Symbol.asyncDispose]();
  }

  async complete(text: string, timeoutMs?: number): Promise<void> {
    this.#ledger.push({ of: "complete", client: this.#options.client, text });
    await this.frame(({ data, event }) => data === text && event === "message", timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.hop();
    await this.#running;
  }

  async #run(): Promise<void> {
    let refusals = 0;
    for (; !this.#stopped; this.connections += 1) {
      refusals = (await this.#connect()) ? 0 : refusals + 1;
      // Nobody is there, or it says no: it is asked again, more and more seldom.
      if (refusals > 0) await delay(Math.min(50 * refusals, MAX_PAUSE_MS));
    }
  }

  /** Stays connected for as long as the stream lives; answers whether there was one. */
  async #connect(): Promise<boolean> {
    const { client, tenant, urls, roads = ["sse"] } = this.#options;
    const connection = `${client}/${this.connections}`;
    const after = this.#lastId;
    this.#connection = connection;
    this.#isWelcome = false;
    this.#ledger.push({ of: "opened", client, tenant, connection, after, at: monotonicMs() });
    const road = roads[this.connections % roads.length] ?? "sse";
    using patience = this.#beImpatient();
    const status = await this.#stay(road, urls[this.connections % urls.length] ?? "", {
      ...(after === undefined ? {} : { lastEventId: after }),
      onFrame: (frame) => this.#note(connection, frame),
      signal: patience.signal,
    }).catch(() => 0);
    // Frames decoded after the end do not count: the next connection goes on after the last id that was noted.
    this.#connection = undefined;
    const isStream = status === 200 && this.#isWelcome;
    if (isStream || this.#stopped) return isStream;
    this.#ledger.push({ of: "refused", client, status, at: monotonicMs() });
    this.#options.onRefused?.(status);
    return false;
  }

  async #stay(road: Transport, url: string, options: RoadOptions): Promise<number> {
    const { token } = this.#options;
    const stream = await openRoad(road, url, { ...options, token: typeof token === "string" ? token : token() });
    this.#stream = stream;
    if (this.#stopped) await stream[Symbol.asyncDispose]();
    await stream.closed();
    return road === "websocket" && stream.status === 101 ? 200 : stream.status;
  }

  /** A signal for when nothing has come for too long. */
  #beImpatient(): { readonly signal: AbortSignal } & Disposable {
    const { patienceMs } = this.#options;
    const giveUp = new AbortController();
    this.#lastFrameAt = performance.now();
    if (patienceMs === undefined) return { signal: giveUp.signal, [Symbol.dispose]: () => {} };
    const timer = setInterval(() => {
      if (performance.now() - this.#lastFrameAt > patienceMs) giveUp.abort();
    }, patienceMs / 10);
    return { signal: giveUp.signal, [Symbol.dispose]: () => clearInterval(timer) };
  }

  #note(connection: string, frame: Frame): void {
    if (connection !== this.#connection) return;
    const { event, id, data } = frame;
    const { client, notesExpiry = false } = this.#options;
    this.frames.push(frame);
    this.#lastId = id ?? this.#lastId;
    this.#lastFrameAt = performance.now();
    if (event !== "busy") this.#isWelcome = true;
    if (notesExpiry && (event === "ready" || event === "session")) {
      const { expiresAt } = JSON.parse(data) as { expiresAt: string };
      this.#ledger.push({ of: "expires", client, expiresAt: monotonicMs() + Date.parse(expiresAt) - Date.now() });
    }
    this.#ledger.push({ of: "received", client, connection, event, id, text: data, at: monotonicMs() });
  }
}
