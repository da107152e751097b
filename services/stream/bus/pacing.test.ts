import { expect, test } from "vitest";
import { pacingFor } from "./pacing.ts";

test.each([0, 1, 200, 600, 1_000, 3_000, 8_000, 12_000])(
  "behind a round trip of %i ms no beat is missed",
  (roundTripMs) => {
    const { heartbeatMs, pullExpiresMs, answerMs } = pacingFor(roundTripMs);
    // The client gives up after two missed heartbeats; the first comes a round trip and an interval after the request.
    expect(roundTripMs + heartbeatMs).toBeLessThan(2 * heartbeatMs);
    expect(pullExpiresMs).toBeGreaterThan(2 * heartbeatMs);
    expect(answerMs).toBeGreaterThan(2 * roundTripMs);
  },
);

test("a near log beats once a second, and a beat is its sign of life; a far one is asked ahead", () => {
  const near = { heartbeatMs: 1_000, pullExpiresMs: 5_000, answerMs: 5_000, maxMessages: 250, isHeartbeatEnough: true };
  expect(pacingFor(1)).toEqual(near);
  expect(pacingFor(8_000)).toMatchObject({ heartbeatMs: 12_000, isHeartbeatEnough: false });
});

test("up to 10 ms a broker is near; one farther away has more messages under way", () => {
  expect([10, 11].map((roundTripMs) => pacingFor(roundTripMs).maxMessages)).toEqual([250, 1_000]);
});

test("a round trip without an end is not waited for without an end", () => {
  expect(pacingFor(1_000_000)).toEqual(pacingFor(12_000));
});
