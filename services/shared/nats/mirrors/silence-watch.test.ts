import type { StreamInfo } from "@nats-io/jetstream";
import { expect, test } from "vitest";
import { SilenceWatch } from "./silence-watch.ts";

const mirror = (name: string, active: number) =>
  ({ config: { name }, created: "2026-01-01T00:00:00Z", mirror: { active } }) as unknown as StreamInfo;

test("a mirror that was removed before it was heard is forgotten, and one that is looked at keeps the time of its silence", () => {
  let now = 0;
  const silences = new SilenceWatch(() => now);
  for (let n = 0; n < 100; n += 1) expect(silences.look(mirror(`EVENTS_removed-${n}`, -1))).toBe(0);
  for (; now < 3_600_000; now += 60_000) expect(silences.look(mirror("EVENTS_kept", -1))).toBe(now);
  expect(silences.unheard).toBe(1);
  expect(silences.look(mirror("EVENTS_kept", 5_000_000))).toBe(5);
  expect(silences.unheard).toBe(0);
});
