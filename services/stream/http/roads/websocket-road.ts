import type { IncomingMessage } from "node:http";
import { WebSocketServer } from "ws";
import { AppError } from "#shared/errors/app-error.ts";
import { clientLeft } from "../../access/verify.ts";
import { busyUpgrade, WEBSOCKET_KEY } from "../../websocket/busy-upgrade.ts";
import { offersDeflate } from "../../websocket/offers-deflate.ts";
import { readSubprotocols, type Subprotocols } from "../../websocket/subprotocols.ts";
import { WebSocketConnection } from "../../websocket/websocket-connection.ts";
import { endHandshake } from "../end-handshake.ts";
import { takeSocket } from "../handshake-socket.ts";
import { isDeclared } from "./is-declared.ts";
import { keptHeaders } from "./kept-headers.ts";
import type { Exchange, Road } from "./road.ts";

/** The only version there is (RFC 6455, section 4.1). */
const VERSION = "13";

/** A client has nothing to send. */
const MAX_MESSAGE_BYTES = 1_024;

const OPTIONS = {
  noServer: true,
  clientTracking: false,
  // A client that asks and does not read would fill our memory with answers.
  autoPong: false,
  maxPayload: MAX_MESSAGE_BYTES,
  /** How long a client has to answer a close frame before its connection is dropped, in milliseconds. */
  closeTimeout: 1_000,
};

/** A text message to a frame (RFC 6455): for networks where event streams do not get through. */
export const websocketRoad: Road = {
  transport: "websocket",
  status: 101,
  // A key without an upgrade is what a proxy leaves of a handshake that does not let it through.
  isAskedFor: ({ headers }) => headers["sec-websocket-key"] !== undefined || isUpgrade(headers),
  take(exchange) {
    requireHandshake(exchange);
    const { headers } = exchange.request;
    const { selected, bearers } = readSubprotocols(headers["sec-websocket-protocol"]);
    const deflates = offersDeflate(headers["sec-websocket-extensions"]);
    return {
      framing: deflates ? "websocket deflate" : "websocket",
      tokens: bearers,
      accept: (connectionId) => openWebSocket(exchange, { connectionId, selected, deflates }),
    };
  },
  // Browsers say of which page a WebSocket is, and tell that page nothing of a refusal; programs read the status.
  readsStatus: (request) => isDeclared(request) || request.headers.origin === undefined,
  answerBusy({ request, response, requestId }, busy) {
    const { "sec-websocket-key": key = "", "sec-websocket-protocol": offered } = request.headers;
    const lines = [`X-Request-ID: ${requestId}`, ...keptHeaders(response)];
    endHandshake(takeSocket(request), busyUpgrade({ key, offered }, busy, lines));
  },
};

function isUpgrade({ upgrade = "", connection = "" }: IncomingMessage["headers"]): boolean {
  return /(?:^|[\s,])websocket(?:$|[\s,/])/i.test(upgrade) && /(?:^|[\s,])upgrade(?:$|[\s,])/i.test(connection);
}

/** @throws {AppError} `malformed_request`, or `upgrade_required` with the headers that say what would do. */
function requireHandshake({ request, response }: Exchange): void {
  const { headers, httpVersion } = request;
  if (httpVersion !== "1.1") {
    throw new AppError("malformed_request", `a WebSocket begins over HTTP/1.1, and this is HTTP/${httpVersion}`);
  }
  const refuse = (message: string): never => {
    response.setHeader("upgrade", "websocket").setHeader("sec-websocket-version", VERSION);
    throw new AppError("upgrade_required", message);
  };
  if (!isUpgrade(headers)) {
    refuse("the headers Upgrade: websocket and Connection: Upgrade did not arrive; does a proxy drop them?");
  }
  if (headers["sec-websocket-version"] !== VERSION) refuse(`send Sec-WebSocket-Version: ${VERSION}`);
  if (!WEBSOCKET_KEY.test(headers["sec-websocket-key"] ?? "")) {
    throw new AppError("malformed_request", "Sec-WebSocket-Key must be 16 bytes in base64");
  }
}

interface Upgrade extends Pick<Subprotocols, "selected"> {
  readonly connectionId: string;
  readonly deflates: boolean;
}

function openWebSocket(
  { request, response, requestId }: Exchange,
  { connectionId, ...upgrade }: Upgrade,
): WebSocketConnection {
  const socket = takeSocket(request);
  const server = new WebSocketServer({
    ...OPTIONS,
    handleProtocols: () => upgrade.selected ?? false,
    perMessageDeflate: upgrade.deflates && { serverNoContextTakeover: true, clientNoContextTakeover: true },
  });
  server.once("headers", (lines: string[]) => {
    lines.push(`X-Connection-ID: ${connectionId}`, `X-Request-ID: ${requestId}`, ...keptHeaders(response));
  });
  let connection: WebSocketConnection | undefined;
  // The head leaves with the first frames, in one write.
  socket.cork();
  process.nextTick(() => socket.uncork());
  server.handleUpgrade(request, socket, Buffer.alloc(0), (webSocket) => {
    connection = new WebSocketConnection(webSocket, socket);
  });
  if (connection !== undefined) return connection;
  socket.destroy();
  throw clientLeft();
}
