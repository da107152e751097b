import { expect, test } from "vitest";
import { type HomeStream, streamSchema } from "./home-stream.ts";
import { lacksBeginning } from "./lacks-beginning.ts";

const HOUR_NS = 3_600_000_000_000;

test("a mirror without entries that its original has lacks its beginning", () => {
  expect(lacksBeginning(stream({ first: 1 }), stream({ first: 11, messages: 0 }))).toBe(true);
  expect(lacksBeginning(stream({ first: 1, maxAge: HOUR_NS }), stream({ first: 11, messages: 0 }))).toBe(true);
});

test("a mirror that has more, or from which old entries have gone a little earlier, lacks nothing", () => {
  expect(lacksBeginning(stream({ first: 5 }), stream({ first: 1 }))).toBe(false);
  const old = stream({ first: 1, firstAt: "2026-01-01T11:00:30Z", maxAge: HOUR_NS });
  expect(lacksBeginning(old, stream({ first: 2 }))).toBe(false);
  expect(lacksBeginning(stream({ first: 11, messages: 0 }), stream({ first: 12, messages: 0 }))).toBe(false);
});

function stream({ first = 1, messages = 10, firstAt = "2026-01-01T11:30:00Z", maxAge = 0 }): HomeStream {
  return streamSchema.parse({
    config: { name: "EVENTS_acme", max_age: maxAge },
    state: { messages, first_seq: first, first_ts: firstAt, last_seq: 10, last_ts: firstAt },
    ts: "2026-01-01T12:00:00Z",
  });
}
