import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** A client that counts the texts of an event stream, and keeps nothing else; for runs with very many events. */
export interface EventCounter extends AsyncDisposable {
  /** How often an event with this text came. */
  count(text: string): number;
  /** Resolves once an event with this text has come. */
  seen(text: string): Promise<void>;
  /** Whether the stream has ended, on either side. */
  readonly isClosed: boolean;
}

/** Called with every frame that is no event. */
export type OnControl = (event: string, data: string) => void;

/** Opens a stream and answers once `ready` is here; comes back where the edge is busy, as clients do. */
export async function openEventCounter(url: string, token: string, onControl?: OnControl): Promise<EventCounter> {
  for (;;) {
    const opened = await tryOpen(url, token, onControl);
    if (typeof opened === "object") return opened;
    await delay(opened);
  }
}

/** Opens a stream once. Answers after how many milliseconds to come back where the edge is busy. */
async function tryOpen(url: string, token: string, onControl: OnControl | undefined): Promise<EventCounter | number> {
  const request = httpRequest(url, { agent: false, headers: { authorization: `Bearer ${token}` } }).end();
  request.on("error", () => {});
  const [response] = (await once(request, "response")) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`the stream was refused: ${response.statusCode}`);
  const counts = new Map<string, number>();
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const ready = Promise.withResolvers<number | undefined>();
  let isClosed = false;
  let pending = "";
  const read = (frame: string): void => {
    const data = /^data: ?(.*)$/m.exec(frame)?.[1];
    const event = /^event: (.*)$/m.exec(frame)?.[1];
    if (event !== undefined) {
      if (event === "ready") ready.resolve(undefined);
      if (event === "busy") ready.resolve((JSON.parse(data ?? "") as { retryMs: number }).retryMs);
      onControl?.(event, data ?? "");
    } else if (data !== undefined) {
      counts.set(data, (counts.get(data) ?? 0) + 1);
      waiting.get(data)?.resolve();
      waiting.delete(data);
    }
  };
  response.setEncoding("utf8").on("data", (chunk: string) => {
    const frames = (pending + chunk).split("\n\n");
    pending = frames.pop() ?? "";
    for (const frame of frames) read(frame);
  });
  response.on("error", () => {});
  const closed = new Promise<void>((resolve) => response.once("close", resolve));
  response.once("close", () => {
    isClosed = true;
    ready.reject(new Error("the stream ended before it was ready"));
  });
  const busyMs = await ready.promise;
  if (busyMs !== undefined) return busyMs;
  return {
    count: (text) => counts.get(text) ?? 0,
    seen(text) {
      if (counts.has(text)) return Promise.resolve();
      const wait = waiting.get(text) ?? Promise.withResolvers<void>();
      waiting.set(text, wait);
      return wait.promise;
    },
    get isClosed() {
      return isClosed;
    },
    async [Symbol.asyncDispose]() {
      request.destroy();
      await closed;
    },
  };
}
