import type { IncomingMessage } from "node:http";
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  constants as http2,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from "node:http2";
import { request as requestHttps } from "node:https";
import type { Readable } from "node:stream";
import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import { constants as zlib, createGunzip } from "node:zlib";
import { waitFor } from "./wait.ts";

/** The address and name of a server with TLS. */
export interface SecurePlace {
  /** On this machine. */
  readonly port: number;
  /** The name that its certificate is for. */
  readonly name: string;
  /** Who signed it, as PEM. */
  readonly ca: string;
  /** The address of this machine that asks; 127.0.0.1 by default. */
  readonly localAddress?: string;
}

/** A request of a client. */
export interface SecureRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** An answer whose body may still come. */
export interface SecureAnswer {
  readonly status: number;
  /** By lower-case name; several of a name are one text with commas, and cookies too. */
  readonly headers: Readonly<Record<string, string>>;
  /** What has come of the body so far, decoded where it is gzip. */
  text(): string;
  /** How the body ended: as its sender wanted, or cut off. */
  readonly end: Promise<"whole" | "broken">;
}

/** A client of one server; with HTTP/2 its requests share one connection. Disposing ends them all. */
export interface SecureClient extends Disposable {
  /** Answers once the headers are here. */
  ask(request: SecureRequest): Promise<SecureAnswer>;
}

/** The versions of HTTP that browsers speak over TCP. */
export type HttpVersion = "HTTP/1.1" | "HTTP/2";

/** Makes a client that speaks that version. */
export const createClient: Readonly<Record<HttpVersion, (place: SecurePlace) => SecureClient>> = {
  "HTTP/1.1": createHttp1Client,
  "HTTP/2": createHttp2Client,
};

/** A connection for each request. */
function createHttp1Client({ port, name, ca, localAddress = "127.0.0.1" }: SecurePlace): SecureClient {
  const ending = new AbortController();
  return {
    async ask({ method = "GET", path, headers = {}, body }) {
      const own = { host: `${name}:${port}`, ...headers };
      const place = { host: "127.0.0.1", port, servername: name, ca, localAddress, agent: false };
      const request = requestHttps({ ...place, method, path, headers: own, signal: ending.signal }).end(body);
      const answered = once(request, "response");
      const [response] = (await answered) as [IncomingMessage];
      request.on("error", () => {});
      return answerOf(response.statusCode ?? 0, response.headers, response, () => response.complete);
    },
    [Symbol.dispose]: () => ending.abort(),
  };
}

/** One connection for all requests. */
function createHttp2Client({ port, name, ca, localAddress = "127.0.0.1" }: SecurePlace): SecureClient {
  const tls = { host: "127.0.0.1", port, servername: name, ca, localAddress, ALPNProtocols: ["h2"] };
  const session = connectHttp2(`https://${name}:${port}`, { createConnection: () => connectTls(tls) });
  session.on("error", () => {});
  return {
    ask: (request) => askHttp2(session, request),
    [Symbol.dispose]: () => session.destroy(),
  };
}

/** Waits until a text has come in the body. */
export function seen(answer: SecureAnswer, text: string): Promise<boolean> {
  return waitFor(`"${text.slice(0, 40)}" has come`, () => answer.text().includes(text)).catch((error: Error) => {
    throw new Error(`${error.message}; status ${answer.status}, got: ${answer.text().slice(-500)}`);
  });
}

async function askHttp2(session: ClientHttp2Session, request: SecureRequest): Promise<SecureAnswer> {
  const { method = "GET", path, headers = {}, body } = request;
  const stream = session.request({ ":method": method, ":path": path, ...headers }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  const [{ ":status": status = 0, ...fields }] = (await once(stream, "response")) as [
    IncomingHttpHeaders & IncomingHttpStatusHeader,
  ];
  return answerOf(status, fields, stream, () => stream.rstCode === http2.NGHTTP2_NO_ERROR);
}

function answerOf(
  status: number,
  fields: Readonly<Record<string, string | string[] | undefined>>,
  body: Readable,
  isWhole: () => boolean,
): SecureAnswer {
  const headers = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
  const decoder = headers["content-encoding"] === "gzip" ? createGunzip({ finishFlush: zlib.Z_SYNC_FLUSH }) : undefined;
  let text = "";
  (decoder ?? body).setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  body.on("error", () => decoder?.destroy());
  if (decoder !== undefined) body.pipe(decoder).on("error", () => {});
  const end = new Promise<"whole" | "broken">((resolve) => {
    body.once("close", () => resolve(isWhole() ? "whole" : "broken"));
  });
  return { status, headers, text: () => text, end };
}
