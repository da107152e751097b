/** A road of streams that stay open, and what its clients send and read. */
export interface Road {
  readonly name: "sse" | "ndjson" | "websocket";
  /** The request for a stream of Server-Sent Events as that of this road. */
  readonly requestOf: (request: string) => string;
  /** What stands before the time in a payload, which is a text inside JSON on all roads but one. */
  readonly mark: string;
}

const HANDSHAKE = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

function upgrading(request: string): string {
  return request.replace(/\r\n\r\n$/, `\r\nConnection: Upgrade\r\n${HANDSHAKE}\r\n`);
}

const INSIDE_JSON = '"t\\":';

/** The roads of streams that stay open. */
export const ROADS: readonly Road[] = [
  { name: "sse", requestOf: (request) => request, mark: '"t":' },
  {
    name: "ndjson",
    requestOf: (request) => request.replace("text/event-stream", "application/x-ndjson"),
    mark: INSIDE_JSON,
  },
  { name: "websocket", requestOf: upgrading, mark: INSIDE_JSON },
];
