import { expect, test } from "vitest";
import { eventOf } from "#test/rigs/event-entry.ts";
import type { EventEntry } from "../event.ts";
import { encodeControl, encodeEvent, type FrameFormat, heartbeatOf } from "./encode-frame.ts";

const RAW: FrameFormat = { body: "raw", naming: "message", framing: "json" };
const CLOUD: FrameFormat = { body: "cloudevents", naming: "message", framing: "json" };

function lineOf(entry: EventEntry, format: FrameFormat): string {
  return encodeEvent("acme", "epoch", entry, format).toString();
}

test.each(['{\n  "a": 1,\r\n  "b": "x\\ny"\r}', "no JSON:\n{", "", "12345678901234567890"])(
  "an event is one line, whatever its payload is: %j",
  (payload) => {
    for (const format of [RAW, CLOUD]) {
      const line = lineOf(eventOf(payload), format);
      expect(line.indexOf("\n")).toBe(line.length - 1);
      expect(line).not.toContain("\r");
      const { data } = JSON.parse(line) as { data: unknown };
      expect(data).toEqual(payload.startsWith("{") || payload.startsWith("1") ? JSON.parse(payload) : payload);
    }
  },
);

test("a raw event has its id, and its name where one is wanted; numbers keep their digits", () => {
  expect(lineOf(eventOf("12345678901234567890"), RAW)).toBe('{"id":"epoch.7.tag","data":12345678901234567890}\n');
  const named = lineOf(eventOf("1"), { ...RAW, naming: "named" });
  expect(JSON.parse(named)).toEqual({ id: "epoch.7.tag", event: "order.created", data: 1 });
});

test("a CloudEvent says its id in the log beside its producer's, who cannot forge it", () => {
  const entry = eventOf("1", { "nats-msg-id": "m-1", "ce-sluiceid": "forged" });
  expect(JSON.parse(lineOf(entry, CLOUD))).toMatchObject({ id: "m-1", sluiceid: "epoch.7.tag", data: 1 });
});

test("a frame of our own is a line, too", () => {
  expect(encodeControl(RAW, "cursor", "", { id: "epoch.7.tag" }).toString()).toBe(
    '{"event":"cursor","id":"epoch.7.tag"}\n',
  );
  expect(encodeControl(RAW, "bye", { reason: "drain", retryMs: 5 }).toString()).toBe(
    '{"event":"bye","data":{"reason":"drain","retryMs":5}}\n',
  );
  expect(heartbeatOf(RAW).toString()).toBe("\n");
});
