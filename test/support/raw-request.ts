import { openRawSocket } from "./raw-socket.ts";

/** A request for a stream as it is on the wire; the defaults are a correct client's. */
export interface RawRequest {
  readonly token: string;
  readonly method?: string;
  readonly path?: string;
  /** The stream's parameters. */
  readonly query?: string;
  /** Further lines. */
  readonly headers?: readonly string[];
}

/** The request's text. */
export function rawRequest({ token, method = "GET", path = "/v1/stream", query, headers = [] }: RawRequest): string {
  const target = path === "/v1/stream" ? `${path}?${query ?? "topic=issues.>"}` : path;
  const lines = [`${method} ${target} HTTP/1.1`, "Host: edge", `Authorization: Bearer ${token}`, ...headers];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A complete answer. */
export interface RawAnswer {
  readonly status: number;
  /** The problem's code; undefined where the answer is none. */
  readonly code: unknown;
  readonly text: string;
}

/** Sends a request whose answer ends, and reads it. */
export async function ask(port: number, request: RawRequest): Promise<RawAnswer> {
  await using socket = await openRawSocket(port);
  socket.write(rawRequest({ ...request, headers: [...(request.headers ?? []), "Connection: close"] }));
  const text = await socket.text();
  const problem = /^\{.*\}$/m.exec(text)?.[0] ?? "{}";
  return { status: Number(text.split(" ")[1]), code: (JSON.parse(problem) as { code?: unknown }).code, text };
}
