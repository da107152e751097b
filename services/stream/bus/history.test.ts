import type { StreamInfo } from "@nats-io/jetstream";
import { expect, test } from "vitest";
import { goneBy } from "./history.ts";

const HOUR = 3_600_000;
const NOW = Date.parse("2026-01-31T12:00:00Z");
const MAX_EVENT_BYTES = 1_000;

test.each([
  ["a full log drops entries for its size", { bytes: 9_500 }, "retention"],
  ["a log that is older than its entries may become drops them for their age", { created: 3 * HOUR }, "retention"],
  ["a log that is younger than its entries may become cannot", { created: 1 * HOUR }, "purged"],
  [
    "an empty log whose last entry is older than that has dropped it",
    { messages: 0, lastStored: 3 * HOUR },
    "retention",
  ],
  [
    "an empty log whose last entry is younger was emptied",
    { messages: 0, lastStored: 1 * HOUR, created: 9 * HOUR },
    "purged",
  ],
  ["a log without limits was emptied", { maxAge: 0, maxBytes: -1, created: 9 * HOUR }, "purged"],
])("%s", (_, log, reason) => {
  expect(goneBy(infoOf(log), MAX_EVENT_BYTES)).toBe(reason);
});

/** A log of at most 10 000 bytes and two hours; `created` and `lastStored` in milliseconds ago. */
function infoOf(log: {
  bytes?: number;
  messages?: number;
  created?: number;
  lastStored?: number;
  maxAge?: number;
  maxBytes?: number;
}): StreamInfo {
  const ago = (ms: number): string => new Date(NOW - ms).toISOString();
  return {
    ts: ago(0),
    created: ago(log.created ?? 1 * HOUR),
    config: { max_bytes: log.maxBytes ?? 10_000, max_age: log.maxAge ?? 2 * HOUR * 1_000_000 },
    state: { bytes: log.bytes ?? 100, messages: log.messages ?? 1, last_ts: ago(log.lastStored ?? 0) },
  } as StreamInfo;
}
