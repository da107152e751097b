import { describe, expect, test } from "vitest";
import { eventOf } from "#test/rigs/event-entry.ts";
import type { EventEntry } from "../event.ts";
import { encodeControl, encodeEvent, type FrameFormat, heartbeatOf } from "./encode-frame.ts";

const RAW: FrameFormat = { body: "raw", naming: "message", framing: "ndjson" };
const HEADERS = { "nats-msg-id": "m-1" };
const SSE: FrameFormat = { ...RAW, framing: "sse" };

/** The data of an event, as the parser of Server-Sent Events reads it. */
function sseDataOf(entry: EventEntry, format: FrameFormat): string {
  const lines = encodeEvent("acme", "epoch", entry, { ...format, framing: "sse" })
    .toString()
    .split(/\r\n|\r|\n/);
  const data = lines.filter((line) => line.startsWith("data:"));
  return data.map((line) => line.replace(/^data: ?/, "")).join("\n");
}

describe("an event", () => {
  test.each([
    '{"n": 12345678901234567890, "odd" :1e2}',
    '{\r\n  "a": 1,\r  "b": 2\n}',
    "no JSON: \u0000 \u2028 \u0085 \u2029 \u{1F600}",
    "",
    "\r\r\n\n",
    Buffer.from([0x61, 0xff, 0xe2, 0x82, 0x62]),
  ])("is one line, and its data is the text that EventSource has of it: %j", (payload) => {
    for (const body of ["raw", "cloudevents"] as const) {
      const line = encodeEvent("acme", "epoch", eventOf(payload, HEADERS), { ...RAW, body }).toString();
      expect(line.split(/[\n\r\u0085\u2028\u2029]/)).toEqual([line.trimEnd(), ""]);
      expect(JSON.parse(line)).toEqual({
        id: "epoch.7.tag",
        data: sseDataOf(eventOf(payload, HEADERS), { ...SSE, body }),
      });
    }
  });

  test("has its name where one is wanted", () => {
    const line = encodeEvent("acme", "epoch", eventOf("1", HEADERS), { ...RAW, naming: "named" }).toString();
    expect(line).toBe('{"event":"order.created","id":"epoch.7.tag","data":"1"}\n');
  });

  test("is in memory of its own", () => {
    const frame = encodeEvent("acme", "epoch", eventOf("1", HEADERS), RAW);
    expect(frame.buffer.byteLength).toBe(frame.length);
  });
});

test("a frame of our own has the fields of a block: its data is a text, too", () => {
  expect(encodeControl(RAW, "cursor", "", { id: "epoch.7.tag" }).toString()).toBe(
    '{"event":"cursor","id":"epoch.7.tag","data":""}\n',
  );
  expect(encodeControl(RAW, "bye", { reason: "drain", retryMs: 5 }).toString()).toBe(
    '{"event":"bye","retry":5,"data":"{\\"reason\\":\\"drain\\",\\"retryMs\\":5}"}\n',
  );
  expect(encodeControl(RAW, "session", { expiresAt: "now" }, { retryMs: 1 }).toString()).toContain('"retry":1,');
  expect(heartbeatOf(RAW).toString()).toBe("\n");
});
