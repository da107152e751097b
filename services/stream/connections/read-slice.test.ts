import { expect, test } from "vitest";
import { eventOf } from "#test/rigs/edge-rig.ts";
import { Grant, STILL_VALID } from "../access/grant.ts";
import type { Registration } from "../access/registration.ts";
import { createResidual } from "../access/residual.ts";
import { holeOf, type LogEntry, type Position } from "../event.ts";
import type { Slice } from "../log/tail.ts";
import { readSlice, type SliceReader } from "./read-slice.ts";
import type { Tenant } from "./tenant.ts";

const GRANT = new Grant("viewer", []);
const BEGIN: Position = { seq: 0, tag: "0" };

test("a step of a reader ends after five milliseconds, with the entry it has come to", () => {
  const slice = Array.from({ length: 600 }, (_, index) => controlOf(index + 1));
  expect(read(slice, 0)).toBe(600);
  // The clock is asked at the beginning, after the first entry, and after each fourth one from there.
  expect(read(slice, 1)).toBe(21);
  expect(read(slice, 5)).toBe(5);
  expect(read([holeOf(1, 9), controlOf(10)], 1_000)).toBe(9);
});

test("a step passes what a slice leaves out at its end, where the grant still holds there", () => {
  const slice = { entries: [controlOf(1), controlOf(2)], end: { seq: 600, tag: "t" } };
  expect(readThrough(slice, 600)).toEqual(slice.end);
  expect(readThrough(slice, 599).seq).toBe(2);
  expect(readThrough({ ...slice, entries: [] }, -1).seq).toBe(0);
});

test("a step ends with the frame that makes it 64 KiB, however small the payloads are", () => {
  const entries = Array.from({ length: 20 }, (_, index) => ({
    ...eventOf({ seq: index + 1, tag: "t" }, "x"),
    attributes: { "ce-note": "n".repeat(15_000) },
  }));
  const residual = createResidual({ allow: [">"], deny: [], allowWhen: [], denyWhen: [] });
  const grant = new Grant("viewer", []);
  grant.decide("order:read", { version: { number: 1, build: "b" }, residual, through: STILL_VALID });
  const tenant = {
    id: "acme",
    log: { epoch: "e" },
    decisions: { knowsEventsBefore: () => true, permissionFor: () => "order:read" },
    observer: { decided: () => {} },
  } as unknown as Tenant;
  const reader: SliceReader = {
    registration: { grantedThrough: () => STILL_VALID } as unknown as Registration,
    grant,
    format: { body: "cloudevents", naming: "message", framing: "sse" },
    cursor: BEGIN,
    hole: undefined,
    room: Number.POSITIVE_INFINITY,
    due: { topics: ["order.>"], through: STILL_VALID },
  };
  const { delivered, cursor } = readSlice(tenant, { entries, end: { seq: 20, tag: "t" } }, reader, () => 0);
  expect([delivered.length, cursor.seq]).toEqual([5, 5]);
});

/** Where one step ends when the clock moves by so many milliseconds between two looks at it. */
function read(entries: readonly LogEntry[], msPerEntry: number): number {
  let now = 0;
  const slice = { entries, end: entries.at(-1)?.position ?? BEGIN };
  return readThrough(slice, 600, () => (now += msPerEntry)).seq;
}

/** Where one step ends of a reader whose grant holds through a sequence. */
function readThrough(slice: Slice, through: number, clock: () => number = () => 0): Position {
  const registration = { topics: [], grantedThrough: () => through } as unknown as Registration;
  const reader: SliceReader = {
    registration,
    grant: GRANT,
    format: { body: "raw", naming: "message", framing: "sse" },
    cursor: BEGIN,
    hole: undefined,
    room: Number.POSITIVE_INFINITY,
    due: { topics: [], through: Number.POSITIVE_INFINITY },
  };
  return readSlice({} as Tenant, slice, reader, clock).cursor;
}

function controlOf(seq: number): LogEntry {
  return { kind: "control", position: { seq, tag: "t" }, storedAt: 0, change: { of: "unknown" } };
}
