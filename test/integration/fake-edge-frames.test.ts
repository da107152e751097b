import { expect, test } from "vitest";
import type { ControlData, ControlEvent } from "#shared/protocol/control-frames.ts";
import { writeControl, writeEvent } from "../../services/client/testing/sse-frames.ts";
import { encodeControl, encodeEvent } from "../../services/stream/frames/encode-frame.ts";
import { eventAt } from "../rigs/event-entry.ts";

const format = { body: "cloudevents", naming: "message", framing: "sse" } as const;

const frames: { readonly [Name in ControlEvent]: ControlData[Name] } = {
  ready: {
    connectionId: "one",
    tenant: "demo",
    subject: "alice",
    topics: [{ topic: "order.*", granted: true }],
    expiresAt: "2999-01-01T00:00:00.000Z",
  },
  cursor: "",
  gap: { from: "epoch-one.1.a", to: "epoch-one.2.b", reason: "purged" },
  reset: { reason: "epoch" },
  subscription: { topics: [{ topic: "order.*", granted: false }], effectiveFrom: "epoch-one.1.a" },
  presence: { topic: "order.*", seq: 1, joined: [], left: ["bob"], partial: false },
  session: { expiresAt: "2999-01-01T00:00:00.000Z" },
  auth_error: { reason: "revoked" },
  degraded: { reason: "log" },
  recovered: { reason: "log" },
  busy: { reason: "full", detail: "this server is full", retryMs: 1_500 },
  bye: { reason: "drain", retryMs: 1_500 },
};

test.each(Object.keys(frames) as ControlEvent[])("the fake edge writes %s as the edge does", (name) => {
  for (const fields of [{}, { id: "epoch-one.2.b" }, { id: "epoch-one.2.b", retryMs: 2_000 }]) {
    expect(writeControl(name, frames[name], fields)).toBe(encodeControl(format, name, frames[name], fields).toString());
  }
});

test("the fake edge writes an event as the edge does, in the envelope that the client asks for", () => {
  const entry = { ...eventAt(7), payload: Buffer.from(`{"text":"two\\nlines","of":[1]}`) };
  const { topic, type, storedAt } = entry;
  const event = { id: "epoch-one.7.t", tenant: "demo", topic, type, storedAt, data: { text: "two\nlines", of: [1] } };
  expect(writeEvent(event)).toBe(encodeEvent("demo", "epoch-one", entry, format).toString());
});
