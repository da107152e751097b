import { expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { poll } from "./poll.ts";

test("looks again and again, one look at a time, until it is disposed", async () => {
  let [looks, running, most] = [0, 0, 0];
  const polling = poll(1, async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    looks += 1;
  });
  await waitFor("three looks", () => looks >= 3);
  await polling[Symbol.asyncDispose]();
  const seen = looks;
  await using other = poll(1, async () => void (looks = -1));
  await waitFor("another poll looks", () => looks === -1);
  expect([most, running, seen >= 3]).toEqual([1, 0, true]);
  void other;
});

test("disposing tells the look under way, and waits for it only where it is awaited", async () => {
  const { promise: isLooking, resolve: begin } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  let [wasTold, isOver] = [false, false];
  const polling = poll(1, async (stop) => {
    begin();
    await released;
    wasTold = stop.aborted;
    isOver = true;
  });
  await isLooking;
  polling[Symbol.dispose]();
  expect(isOver).toBe(false);
  const ended = polling[Symbol.asyncDispose]();
  release();
  await ended;
  expect([wasTold, isOver]).toEqual([true, true]);
});

test("a poll that is disposed while it rests looks no more", async () => {
  let looks = 0;
  const polling = poll(60_000, async () => void looks++);
  await polling[Symbol.asyncDispose]();
  expect(looks).toBe(0);
});
