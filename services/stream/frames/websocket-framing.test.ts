import { constants, inflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { eventOf } from "#test/rigs/event-entry.ts";
import { encodeControl, encodeEvent, type FrameFormat, heartbeatOf } from "./encode-frame.ts";

const PLAIN: FrameFormat = { body: "raw", naming: "message", framing: "websocket" };
const DEFLATED: FrameFormat = { ...PLAIN, framing: "websocket deflate" };

/** What a sync flush ends with, which a message goes without. */
const FLUSH = Buffer.from([0, 0, 0xff, 0xff]);

interface Message {
  readonly isCompressed: boolean;
  readonly payload: Buffer;
}

/** The messages of bytes, each a frame of its own that is not masked (RFC 6455, section 5.2). */
function messagesOf(bytes: Buffer): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < bytes.length;) {
    const [first, short] = [bytes.readUInt8(at), bytes.readUInt8(at + 1)];
    expect(first & 0b1011_1111).toBe(0x81);
    const [length, head] =
      short < 126
        ? [short, 2]
        : short === 126
          ? [bytes.readUInt16BE(at + 2), 4]
          : [Number(bytes.readBigUInt64BE(at + 2)), 10];
    const payload = bytes.subarray(at + head, at + head + length);
    messages.push({ isCompressed: (first & 0x40) !== 0, payload });
    at += head + length;
  }
  return messages;
}

function textOf({ isCompressed, payload }: Message): string {
  return (
    isCompressed ? inflateRawSync(Buffer.concat([payload, FLUSH]), { finishFlush: constants.Z_SYNC_FLUSH }) : payload
  ).toString();
}

describe("a message", () => {
  // Its payload is 30 bytes longer than its data: at each change of the length's size, one less and one more.
  test.each([0, 95, 96, 65_505, 65_506, 1_048_576])("is read as the object that was written: %d bytes", (length) => {
    const data = "x".repeat(length);
    for (const format of [PLAIN, DEFLATED]) {
      const [message, ...others] = messagesOf(encodeEvent("acme", "epoch", eventOf(data), format));
      expect(others).toEqual([]);
      expect(message && JSON.parse(textOf(message))).toEqual({ id: "epoch.7.tag", data });
    }
  });

  test("has frames of each size of length among these", () => {
    const headBytes = [95, 96, 65_505, 65_506].map((length) => {
      const frame = encodeEvent("acme", "epoch", eventOf("x".repeat(length)), PLAIN);
      return frame.length - length - 30;
    });
    expect(headBytes).toEqual([2, 4, 4, 10]);
  });

  test("is compressed where that gains, alone in its message, and only for clients that read it", () => {
    const [random, same] = [
      Buffer.from(crypto.getRandomValues(new Uint8Array(300))).toString("base64"),
      "x".repeat(300),
    ];
    const isCompressed = (payload: string, format: FrameFormat) =>
      messagesOf(encodeEvent("acme", "epoch", eventOf(payload), format)).map((each) => each.isCompressed);
    expect(isCompressed(same, DEFLATED)).toEqual([true]);
    expect(isCompressed(same, PLAIN)).toEqual([false]);
    expect(isCompressed("x".repeat(200), DEFLATED)).toEqual([false]);
    expect(textOf(messagesOf(encodeEvent("acme", "epoch", eventOf(random), DEFLATED))[0] as Message)).toContain(random);
  });

  test("stands behind another one in the same bytes", () => {
    const frames = [
      encodeControl(DEFLATED, "cursor", "", { id: "epoch.6.tag" }),
      encodeEvent("acme", "epoch", eventOf("x".repeat(500)), DEFLATED),
      heartbeatOf(DEFLATED),
    ];
    expect(messagesOf(Buffer.concat(frames)).map(textOf)).toEqual([
      '{"event":"cursor","id":"epoch.6.tag","data":""}',
      JSON.stringify({ id: "epoch.7.tag", data: "x".repeat(500) }),
      "{}",
    ]);
  });

  test("is in memory of its own", () => {
    const frame = encodeEvent("acme", "epoch", eventOf("1"), PLAIN);
    expect(frame.buffer.byteLength).toBe(frame.length);
  });
});
