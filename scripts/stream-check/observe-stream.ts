import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import type { Transform } from "node:stream";
import { ScriptError } from "../shared/run-script.ts";

/** What came of a request, byte by byte. Times are in milliseconds since the request was sent. */
export interface Observation {
  readonly status: number;
  readonly httpVersion: string;
  readonly headers: IncomingMessage["headers"];
  readonly headersMs: number;
  /** Each read from the socket: a proxy that flushes at once makes one of each frame. */
  readonly reads: readonly Read[];
  /** When the server ended the stream; undefined while it is open. */
  readonly endedMs: number | undefined;
}

/** Some bytes, as they came. */
export interface Read {
  readonly ms: number;
  readonly bytes: Buffer;
}

/** What to ask, and how long to listen. */
export interface StreamRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly listenMs: number;
  /** Ends earlier when this many bytes were read. */
  readonly maxBytes: number;
}

/** A server that has not answered by then has not for any browser's patience. */
const HEADERS_MS = 15_000;

/**
 * Opens a URL as a client of event streams does, and keeps what comes as it comes.
 * @throws {ScriptError} when there is no answer.
 */
export function observeStream({ url, headers, listenMs, maxBytes }: StreamRequest): Promise<Observation> {
  const send = new URL(url).protocol === "https:" ? requestHttps : requestHttp;
  const start = performance.now();
  const elapsed = (): number => Math.round(performance.now() - start);
  return new Promise((settle, reject) => {
    const request = send(url, { headers: { accept: "text/event-stream", "cache-control": "no-cache", ...headers } });
    request.setTimeout(HEADERS_MS, () => request.destroy(new Error(`nothing in ${HEADERS_MS} ms`)));
    request.once("error", (error) => reject(new ScriptError(`${url} does not answer: ${error.message}`)));
    request.once("response", (response) => {
      request.setTimeout(0);
      const headersMs = elapsed();
      const reads: Read[] = [];
      let left = maxBytes;
      const finish = (endedMs: number | undefined): void => {
        clearTimeout(timer);
        response.destroy();
        const { statusCode: status = 0, httpVersion, headers: answered } = response;
        settle({ status, httpVersion, headers: answered, headersMs, reads, endedMs });
      };
      const timer = setTimeout(() => finish(undefined), listenMs);
      response.on("data", (bytes: Buffer) => {
        reads.push({ ms: elapsed(), bytes });
        left -= bytes.length;
        if (left <= 0) finish(undefined);
      });
      response.once("end", () => finish(elapsed()));
      response.once("error", () => finish(elapsed()));
    });
    request.end();
  });
}

/** What a client has after it inflated each read, or undefined where the encoding is none that browsers know. */
export async function inflateReads({ headers, reads }: Observation): Promise<Read[] | undefined> {
  const inflater = inflaterOf(headers["content-encoding"]);
  if (inflater === undefined) return undefined;
  const inflated: Read[] = [];
  let ms = 0;
  inflater.on("data", (bytes: Buffer) => void inflated.push({ ms, bytes }));
  const broken = new Promise<void>((settle) => void inflater.once("error", () => settle()));
  for (const read of reads) {
    ms = read.ms;
    // The callback comes once what these bytes hold is given out.
    const written = new Promise<void>((done) => void inflater.write(read.bytes, () => done()));
    await Promise.race([written, broken]);
    if (inflater.errored !== null) break;
  }
  inflater.destroy();
  return inflated;
}

function inflaterOf(encoding: string | undefined): Transform | undefined {
  if (encoding === "gzip") return createGunzip();
  if (encoding === "br") return createBrotliDecompress();
  return encoding === "deflate" ? createInflate() : undefined;
}
