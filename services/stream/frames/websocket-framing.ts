import { constants, deflateRawSync } from "node:zlib";
import type { Framing } from "./framing.ts";
import { controlObject, eventObject } from "./ndjson-framing.ts";

/** A text message in one frame (RFC 6455, section 5.2), and one that is compressed (RFC 7692, section 6). */
const [TEXT, COMPRESSED_TEXT] = [0x81, 0xc1];

/** Less than this is not worth compressing: alone in its message it gains a few bytes, for more CPU than its delivery. */
const MIN_DEFLATED_BYTES = 256;

/** Each message from nothing, so that all clients get the same bytes, and none carries a part of another person's event. */
const DEFLATE = { level: 1, finishFlush: constants.Z_SYNC_FLUSH };

/** What a sync flush ends with; a message goes without it (RFC 7692, section 7.2.1). */
const FLUSH_BYTES = 4;

/**
 * One text message to a frame: the object of a line of JSON. A server's messages are not masked, so that they are the same bytes for
 * every client: header and all are made once for each event. The heartbeat is a frame without a field.
 */
export const websocketFraming: Framing = {
  encodeEvent: (fields, data) => messageOf(TEXT, Buffer.from(eventObject(fields, data))),
  encodeControl: (event, data, fields) => messageOf(TEXT, Buffer.from(controlObject(event, data, fields))),
  heartbeat: messageOf(TEXT, Buffer.from("{}")),
};

/** The same for clients that take compressed messages: events that gain by it are compressed, once for all clients. */
export const deflatedWebsocketFraming: Framing = {
  ...websocketFraming,
  encodeEvent(fields, data) {
    const text = Buffer.from(eventObject(fields, data));
    if (text.length < MIN_DEFLATED_BYTES) return messageOf(TEXT, text);
    const deflated = deflateRawSync(text, DEFLATE).subarray(0, -FLUSH_BYTES);
    return deflated.length < text.length ? messageOf(COMPRESSED_TEXT, deflated) : messageOf(TEXT, text);
  },
};

/** A message in memory of its own: in the pool of Buffer it would keep 64 KiB in memory, however small it is. */
function messageOf(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  const headBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const message = Buffer.allocUnsafeSlow(headBytes + length);
  message.writeUInt8(first, 0);
  message.writeUInt8(headBytes === 2 ? length : headBytes === 4 ? 126 : 127, 1);
  if (headBytes === 4) message.writeUInt16BE(length, 2);
  if (headBytes === 10) message.writeBigUInt64BE(BigInt(length), 2);
  message.set(payload, headBytes);
  return message;
}
