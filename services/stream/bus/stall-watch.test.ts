import { expect, test } from "vitest";
import { StallWatch } from "./stall-watch.ts";

test("a consumer is stalled that has said four times between two looks that there is nothing, while there is", () => {
  const watch = watchWith({ heartbeats: 4 });
  expect(watch.isSuspected).toBe(true);
  expect(watch.isStalled({ readSeq: 5, lastSeq: 9 })).toBe(true);
});

test("one that has said so three times is not: what it said may be older than what the leader said", () => {
  expect(watchWith({ heartbeats: 3 }).isStalled({ readSeq: 5, lastSeq: 9 })).toBe(false);
});

test("one that has brought something meanwhile is not, nor one that has brought everything", () => {
  expect(watchWith({ heartbeats: 4 }).isStalled({ readSeq: 6, lastSeq: 9 })).toBe(false);
  const watch = watchWith({ heartbeats: 4 });
  expect(watch.isStalled({ readSeq: 6, lastSeq: 6 })).toBe(false);
  expect(watch.isSuspected).toBe(false);
});

/** A watch after a first look that found something unread, and so many heartbeats. */
function watchWith({ heartbeats }: { readonly heartbeats: number }): StallWatch {
  const watch = new StallWatch();
  expect(watch.isStalled({ readSeq: 5, lastSeq: 6 })).toBe(false);
  for (let count = 0; count < heartbeats; count += 1) watch.noteHeartbeat();
  return watch;
}
