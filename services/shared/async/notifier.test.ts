import { expect, test } from "vitest";
import { Notifier } from "./notifier.ts";

test("a signal wakes everyone who waits", async () => {
  const signal = new Notifier();
  const waiting = Promise.all([signal.next(), signal.next()]);
  signal.notify();
  await expect(waiting).resolves.toHaveLength(2);
});

test("who begins to wait after a notification waits for the next one", async () => {
  const signal = new Notifier();
  signal.notify();
  let woken = false;
  const waiting = signal.next().then(() => (woken = true));
  // All that is due runs before this does.
  await new Promise((resolve) => setImmediate(resolve));
  expect(woken).toBe(false);
  signal.notify();
  await expect(waiting).resolves.toBe(true);
});

test("a signal without anybody waiting is forgotten", () => {
  const signal = new Notifier();
  expect(() => signal.notify()).not.toThrow();
});
