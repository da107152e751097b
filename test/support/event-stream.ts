import { request as httpRequest, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { constants, createGunzip } from "node:zlib";
import { requireDescribed } from "./check-frame.ts";
import { type Frame, parseFrame } from "./parse-frame.ts";
import { waitFor } from "./wait.ts";

/** What to open. */
export interface StreamOptions {
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly lastEventId?: string;
  /** Called with every frame. */
  readonly onFrame?: (frame: Frame) => void;
  /** Breaks the request off, also before there is an answer. */
  readonly signal?: AbortSignal;
}

/** An open stream over a raw socket, for tests that look at every frame. */
export interface EventStream extends AsyncDisposable {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** Every frame so far. */
  readonly frames: readonly Frame[];
  /** The data of the events (not of our own frames) so far. */
  events(): string[];
  /** The text as it came. */
  raw(): string;
  /** The bytes of the body as they came, still compressed where the response is. */
  body(): Buffer;
  /** Waits for a frame that matches, also among those already here. */
  frame(matches: string | ((frame: Frame) => boolean)): Promise<Frame>;
  /** Waits until that many events have come. */
  receive(count: number): Promise<string[]>;
  readonly isClosed: boolean;
  closed(): Promise<void>;
  /** The last id a client would send. */
  lastId(): string | undefined;
  /** Stops reading, as a client on a bad network does; `false` reads on. */
  pause(paused: boolean): void;
}

/** Opens a stream and answers once the response's headers are here; any status is an answer. */
export async function openEventStream(url: string, options: StreamOptions = {}): Promise<EventStream> {
  const { signal } = options;
  const request = httpRequest(url, { agent: false, headers: headersOf(options), ...(signal && { signal }) }).end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let raw = "";
  let pending = "";
  let closed = false;
  const frames: Frame[] = [];
  const chunks: Buffer[] = [];
  response.on("data", (chunk: Buffer) => chunks.push(chunk));
  // Policy has streams of its own, whose frames are others.
  const isOfEdge = response.headers["x-connection-id"] !== undefined;
  const isGzip = response.headers["content-encoding"] === "gzip";
  const text = response.pipe(isGzip ? createGunzip({ finishFlush: constants.Z_SYNC_FLUSH }) : new PassThrough());
  text.setEncoding("utf8").on("data", (chunk: string) => {
    raw += chunk;
    const blocks = (pending + chunk).split("\n\n");
    pending = blocks.pop() ?? "";
    for (const frame of blocks.flatMap((block) => parseFrame(block) ?? [])) {
      if (isOfEdge) requireDescribed(frame);
      frames.push(frame);
      options.onFrame?.(frame);
    }
  });
  // A stream that the server resets ends with an error first; for these tests it is an end like any other.
  response.on("error", () => text.destroy());
  request.on("error", () => {});
  const end = new Promise<void>((resolve) => text.once("close", resolve)).then(() => void (closed = true));
  const events = (): string[] => frames.filter(({ event }) => event === "message").map(({ data }) => data);
  const describe = (): string => `${raw.slice(-2_000)}${closed ? " [closed]" : ""}`;
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    frames,
    events,
    raw: () => raw,
    body: () => Buffer.concat(chunks),
    frame(matches) {
      const test = typeof matches === "string" ? (frame: Frame) => frame.event === matches : matches;
      return waitFor(`frame ${String(matches)}`, () => frames.find(test)).catch((error: Error) => {
        throw new Error(`${error.message}; got:\n${describe()}`);
      });
    },
    receive(count) {
      return waitFor(`${count} events`, () => (events().length >= count ? events() : undefined)).catch(
        (error: Error) => {
          throw new Error(`${error.message}; got ${events().length}:\n${describe()}`);
        },
      );
    },
    get isClosed() {
      return closed;
    },
    closed: () => end,
    lastId: () => frames.findLast(({ id }) => id !== undefined)?.id,
    pause: (paused) => void (paused ? text.pause() : text.resume()),
    async [Symbol.asyncDispose]() {
      request.destroy();
      await end;
    },
  };
}

function headersOf({ token, headers, lastEventId }: StreamOptions): Record<string, string> {
  return {
    accept: "text/event-stream",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
    ...headers,
  };
}
