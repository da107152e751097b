import { hash } from "node:crypto";
import type { ControlData } from "#shared/protocol/control-frames.ts";
import { encodeControl } from "../frames/encode-frame.ts";
import { BUSY_CODE } from "./close-code.ts";
import { SUBPROTOCOL } from "#shared/protocol/subprotocols.ts";

/** A list of subprotocols with ours in it. */
const OFFERS_OURS = new RegExp(`(?:^|[\\s,])${SUBPROTOCOL.replaceAll(".", "\\.")}(?:$|[\\s,])`);

/** What the server proves with that it has read the key (RFC 6455, section 1.3). */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** A client's key: 16 random bytes (RFC 6455, section 4.1). */
export const WEBSOCKET_KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * The whole answer to a page that is refused for now: it is let in, told when to come back, and closed. Of a handshake that fails, a
 * page learns neither the status nor anything else, and would come back at once.
 */
export function busyUpgrade(
  { key, offered = "" }: { readonly key: string; readonly offered: string | undefined },
  busy: ControlData["busy"],
  headers: readonly string[],
): Buffer {
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${hash("sha1", key + GUID, "base64")}`,
    ...(OFFERS_OURS.test(offered) ? [`Sec-WebSocket-Protocol: ${SUBPROTOCOL}`] : []),
    ...headers,
  ];
  const frame = encodeControl({ framing: "websocket" }, "busy", busy);
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), frame, closeFrame(BUSY_CODE)]);
}

function closeFrame(code: number): Buffer {
  return Buffer.from([0x88, 2, code >> 8, code & 0xff]);
}
