import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { eventOf } from "#test/rigs/event-entry.ts";
import type { ControlData, ControlEvent } from "#shared/protocol/control-frames.ts";
import { encodeEvent } from "./encode-frame.ts";
import type { ControlFields } from "./framing.ts";
import { sseFraming } from "./sse-framing.ts";

/** The fields that a frame may have (HTML standard, section 9.2.6), in the order in which we write them. */
const FIELDS = ["retry", "event", "id", "data"];

const ID = { id: "epoch123.7.tag" };
const TOPICS = [{ topic: "order.*", granted: true }];

/** Every frame of our own, as the edge fills it; one that is missing here is a fault of types. */
const CONTROLS: { readonly [Event in ControlEvent]: readonly (readonly [ControlData[Event], ControlFields])[] } = {
  ready: [
    [readyOf("alice"), { ...ID, retryMs: 1_500 }],
    [readyOf("alice\n\nevent: forged\r\u2028"), { retryMs: 1_000 }],
  ],
  cursor: [["", ID]],
  gap: [[{ from: "epoch123.1.a", to: "epoch123.7.tag", reason: "retention" }, ID]],
  reset: [[{ reason: "unknown_id" }, ID]],
  subscription: [[{ topics: TOPICS, effectiveFrom: "epoch123.7.tag" }, {}]],
  presence: [
    [
      {
        topic: "order.*",
        seq: 2,
        joined: [{ subject: "a\nb", since: "2026-01-31T12:00:00.000Z" }],
        left: [],
        partial: false,
      },
      {},
    ],
    [{ topic: "order.*", seq: 3, snapshot: true, joined: [], left: [], devices: 20_000, partial: true }, {}],
  ],
  session: [[{ expiresAt: "2026-01-31T12:00:00.000Z" }, {}]],
  auth_error: [[{ reason: "expired" }, {}]],
  degraded: [[{ reason: "log" }, {}]],
  recovered: [[{ reason: "log" }, {}]],
  busy: [[{ reason: "full", detail: "this server is full", retryMs: 1_234 }, {}]],
  bye: [[{ reason: "drain", retryMs: 5_678 }, {}]],
};

const controls = Object.entries(CONTROLS).flatMap(([event, examples]) =>
  examples.map(([data, fields]) => ({
    event,
    frame: sseFraming.encodeControl(event as ControlEvent, data, fields).toString(),
  })),
);
const events = ["", "one line", "a\r\n\r\nb\n\n", "\n"].flatMap((payload) =>
  (["raw", "cloudevents"] as const).flatMap((body) =>
    (["message", "named"] as const).map((naming) => ({
      event: `an event, ${body}, ${naming}: ${JSON.stringify(payload)}`,
      frame: encodeEvent("acme", "epoch123", eventOf(payload), { body, naming, framing: "sse" }).toString(),
    })),
  ),
);

describe("every frame that the edge can write", () => {
  test.each([...controls, ...events])("is one block with data: $event", ({ frame }) => {
    expect(frame.endsWith("\n\n")).toBe(true);
    const lines = frame.slice(0, -2).split(/\r\n|\r|\n/);
    const fields = lines.map((line) => /^([a-z]+): /.exec(line)?.[1] ?? line);
    // Clients that dispatch a block at its blank line whatever it holds see nothing but events: no line is empty inside.
    expect(fields).toContain("data");
    expect(fields.filter((field) => !FIELDS.includes(field))).toEqual([]);
    expect(fields).toEqual(fields.toSorted((one, other) => FIELDS.indexOf(one) - FIELDS.indexOf(other)));
    const others = fields.filter((field) => field !== "data");
    expect(new Set(others).size).toBe(others.length);
  });

  test.each(controls.filter(({ event }) => ["ready", "busy", "bye"].includes(event)))(
    "says when to come back, where it is $event",
    ({ frame }) => expect(Number(/^retry: (\d+)$/m.exec(frame)?.[1])).toBeGreaterThanOrEqual(1_000),
  );

  test.each(controls)("is told from the events of tenants by its name: $event", ({ event, frame }) => {
    expect(event).not.toContain(".");
    expect(frame).toMatch(new RegExp(`^event: ${event}$`, "m"));
  });
});

test("a heartbeat is one comment line: no client dispatches anything for it, alone or before a frame", () => {
  expect(sseFraming.heartbeat.toString()).toBe(":\n");
});

test("every frame of our own stands in the reference, and no other does", async () => {
  const page = await readFile(new URL("../../../docs/reference/frames.md", import.meta.url), "utf8");
  const table = page.split(/^## /m).find((section) => section.startsWith("Frames of ours")) ?? "";
  const rows = [...table.matchAll(/^\| `(\w+)` /gm)].map(([, event]) => event);
  expect(new Set(rows)).toEqual(new Set(Object.keys(CONTROLS)));
});

function readyOf(subject: string): ControlData["ready"] {
  return { connectionId: "w-1", tenant: "acme", subject, topics: TOPICS, expiresAt: "2026-01-31T12:00:00.000Z" };
}
