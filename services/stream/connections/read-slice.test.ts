import { expect, test } from "vitest";
import { Grant } from "../access/grant.ts";
import type { Registration } from "../access/registration.ts";
import { holeOf, type LogEntry } from "../event.ts";
import { readSlice, type SliceReader } from "./read-slice.ts";
import type { Tenant } from "./tenant.ts";

const GRANT = new Grant("viewer", []);

test("a step of a reader ends after five milliseconds, with the entry it has come to", () => {
  const slice = Array.from({ length: 600 }, (_, index) => controlOf(index + 1));
  expect(read(slice, 0)).toBe(600);
  // The clock is asked at the beginning, after the first entry, and after each fourth one from there.
  expect(read(slice, 1)).toBe(21);
  expect(read(slice, 5)).toBe(5);
  expect(read([holeOf(1, 9), controlOf(10)], 1_000)).toBe(9);
});

/** How far one step goes when the clock moves by so many milliseconds between two looks at it. */
function read(slice: readonly LogEntry[], msPerEntry: number): number {
  const registration = { topics: [], grantedThrough: () => 600 } as unknown as Registration;
  const reader: SliceReader = {
    registration,
    grant: GRANT,
    format: { body: "raw", naming: "message" },
    cursor: { seq: 0, tag: "0" },
    hole: undefined,
    due: { topics: [], through: Number.POSITIVE_INFINITY },
  };
  let now = 0;
  return readSlice({} as Tenant, slice, reader, () => (now += msPerEntry)).cursor.seq;
}

function controlOf(seq: number): LogEntry {
  return { kind: "control", position: { seq, tag: "t" }, storedAt: 0, change: { of: "unknown" } };
}
