import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { constants, createGunzip } from "node:zlib";
import { WebSocket } from "ws";
import type { Transport } from "#shared/protocol/transports.ts";
import { openEventStream, type StreamOptions } from "./event-stream.ts";
import type { Frame } from "./parse-frame.ts";
import { createPollClient, type PollAnswer } from "./poll-client.ts";
import { waitFor } from "./wait.ts";

/** What to open. */
export interface RoadOptions extends StreamOptions {
  /** Whether a WebSocket's client reads compressed messages; it does by default. */
  readonly compresses?: boolean;
}

/** An open stream, whatever road its frames come by. */
export interface RoadStream extends AsyncDisposable {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** Every frame so far that has data. */
  readonly frames: readonly Frame[];
  /** The data of the events so far. */
  events(): string[];
  /** Waits for a frame that matches, also among those already here. */
  frame(matches: string | ((frame: Frame) => boolean)): Promise<Frame>;
  /** Waits until that many events have come. */
  receive(count: number): Promise<string[]>;
  /** Resolves when the stream is over; a WebSocket with its close code. */
  closed(): Promise<number | void>;
  /** Stops reading; `false` reads on. */
  pause(paused: boolean): void;
  /** All bytes of a WebSocket's answer so far. */
  readonly bytesRead?: () => number;
}

/** What opens a stream of each road; an answer that is no stream rejects, or ends the stream. */
const OPEN: Readonly<Partial<Record<Transport, (url: string, options: RoadOptions) => Promise<RoadStream>>>> = {
  sse: openEventStream,
  ndjson: openLines,
  websocket: openWebSocket,
  poll: openPolls,
};

/** Opens a stream by that road, and answers once its head is here. */
export async function openRoad(transport: Transport, url: string, options: RoadOptions): Promise<RoadStream> {
  const open = OPEN[transport];
  if (open === undefined) throw new Error(`no test opens a stream by ${transport}`);
  return open(url, options);
}

async function openLines(url: string, options: StreamOptions): Promise<RoadStream> {
  const headers = { accept: "application/x-ndjson", ...headersOf(options) };
  const { signal } = options;
  const request = httpRequest(url, { agent: false, headers, ...(signal && { signal }) })
    .on("error", () => {})
    .end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const frames = new Frames(options);
  const isGzip = response.headers["content-encoding"] === "gzip";
  const body = response.pipe(isGzip ? createGunzip({ finishFlush: constants.Z_SYNC_FLUSH }) : new PassThrough());
  response.on("error", () => body.destroy());
  const lines = createInterface({ input: body, crlfDelay: Number.POSITIVE_INFINITY });
  // What a proxy says where nobody is behind it is no frame.
  lines.on("line", (line) => void (line !== "" && response.statusCode === 200 && frames.note(line)));
  const end = new Promise<void>((resolve) => body.once("close", resolve));
  return Object.assign(frames, {
    status: response.statusCode ?? 0,
    headers: response.headers,
    closed: () => end,
    pause: (paused: boolean) => void (paused ? body.pause() : body.resume()),
    async [Symbol.asyncDispose]() {
      request.destroy();
      await end;
    },
  });
}

async function openWebSocket(url: string, options: RoadOptions): Promise<RoadStream> {
  const { compresses = true } = options;
  const ours = { headers: headersOf(options), perMessageDeflate: compresses };
  const socket = new WebSocket(url.replace(/^http/, "ws"), ["sluice.v1"], ours);
  const frames = new Frames(options);
  socket.on("message", (bytes: Buffer) => frames.note(bytes.toString()));
  const end = new Promise<number>((resolve) => socket.once("close", (code) => resolve(code)));
  options.signal?.addEventListener("abort", () => socket.terminate(), { once: true });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    socket.once("close", () => reject(new Error("the connection ended before there was an answer")));
    socket.once("upgrade", resolve);
    socket.once("unexpected-response", (_, refused) => {
      resolve(refused);
      socket.terminate();
    });
  });
  socket.on("error", () => {});
  const response = await answer;
  const { statusCode = 0, headers } = response;
  return Object.assign(frames, {
    status: statusCode,
    headers,
    closed: () => end,
    bytesRead: () => response.socket.bytesRead,
    pause: (paused: boolean) => (paused ? socket.pause() : socket.resume()),
    async [Symbol.asyncDispose]() {
      socket.terminate();
      await end;
    },
  });
}

/** Polls one after the other, each behind the answer before, until one is refused or says that it is the last. */
async function openPolls(url: string, options: StreamOptions): Promise<RoadStream> {
  const place = new URL(url);
  place.pathname = "/v1/poll";
  const client = createPollClient(Number(place.port), options.token ?? "");
  const frames = new Frames(options);
  const gone = new AbortController();
  const signal = options.signal === undefined ? gone.signal : AbortSignal.any([gone.signal, options.signal]);
  const ask = (more = {}) => client.poll(`${place.searchParams.toString()}&wait=5`, { signal, ...more });
  const note = ({ frames: got }: PollAnswer): void => {
    for (const frame of got) frames.note(JSON.stringify(frame));
  };
  const first = await ask({ lastEventId: options.lastEventId ?? "" });
  note(first);
  const polling = (async () => {
    for (let answer = first; answer.status === 200 && !isLast(answer); answer = await ask()) {
      if (answer !== first) note(answer);
    }
  })().catch(() => {});
  return Object.assign(frames, {
    status: first.status,
    headers: first.headers,
    closed: () => polling,
    pause: () => {
      throw new Error("whoever polls reads nothing in between");
    },
    async [Symbol.asyncDispose]() {
      gone.abort();
      await polling;
      client[Symbol.dispose]();
    },
  });
}

function isLast({ frames }: PollAnswer): boolean {
  return ["auth_error", "bye", "busy"].includes(frames.at(-1)?.event ?? "");
}

function headersOf({ token, lastEventId, headers }: StreamOptions): Record<string, string> {
  return {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
    ...headers,
  };
}

/** The frames of a stream whose frames are JSON objects. */
class Frames {
  readonly frames: Frame[] = [];
  readonly #onFrame: StreamOptions["onFrame"];

  constructor({ onFrame }: StreamOptions) {
    this.#onFrame = onFrame;
  }

  note(text: string): void {
    const { event = "message", id, data } = JSON.parse(text) as Partial<Frame>;
    if (data === undefined) return;
    const frame = { event, id, data };
    this.frames.push(frame);
    this.#onFrame?.(frame);
  }

  events(): string[] {
    return this.frames.filter(({ event }) => event === "message").map(({ data }) => data);
  }

  frame(matches: string | ((frame: Frame) => boolean)): Promise<Frame> {
    const test = typeof matches === "string" ? (frame: Frame) => frame.event === matches : matches;
    return waitFor(`frame ${String(matches)}`, () => this.frames.find(test)).catch((error: Error) => {
      throw new Error(`${error.message}; the last frames are ${JSON.stringify(this.frames.slice(-5))}`);
    });
  }

  receive(count: number): Promise<string[]> {
    return waitFor(`${count} events`, () => (this.events().length >= count ? this.events() : undefined));
  }
}
