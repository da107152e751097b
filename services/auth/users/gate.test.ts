import { expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { createGate } from "./gate.ts";

const unavailable = expect.objectContaining({ code: "unavailable" });

/** A gate for one, which a job holds until it is told to end, and the jobs that have run since. */
function heldGate(limits = { maxWaiting: 6, maxWaitingOfOne: 4 }) {
  const gate = createGate({ maxRunning: 1, ...limits });
  const holding = Promise.withResolvers<void>();
  const ran: string[] = [];
  const held = gate("holder", () => holding.promise);
  const enqueue = (owner: string, name: string) => gate(owner, async () => void ran.push(name));
  return { ran, enqueue, open: () => holding.resolve(), held };
}

test("jobs run as there is room, also after one that failed", async () => {
  const gate = createGate({ maxRunning: 2, maxWaiting: 3, maxWaitingOfOne: 3 });
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const begun: string[] = [];
  const run = (name: string, job: Promise<void>) =>
    gate("a", () => {
      begun.push(name);
      return job;
    });
  const [one, two, three] = [run("one", first.promise), run("two", second.promise), run("three", Promise.resolve())];
  await waitFor("two jobs run", () => begun.length === 2);
  second.reject(new Error("it failed"));
  await expect(two).rejects.toThrow("it failed");
  await three;
  expect(begun).toEqual(["one", "two", "three"]);
  first.resolve();
  await one;
});

test("turns go from owner to owner: many jobs of one keep another one waiting for a single turn", async () => {
  const { ran, enqueue, open } = heldGate();
  const jobs = [enqueue("a", "a1"), enqueue("a", "a2"), enqueue("a", "a3"), enqueue("b", "b1"), enqueue("c", "c1")];
  open();
  await Promise.all(jobs);
  expect(ran).toEqual(["a1", "b1", "c1", "a2", "a3"]);
});

test("one owner has only so many places", async () => {
  const { enqueue, open } = heldGate();
  const jobs = Array.from({ length: 4 }, (_, index) => enqueue("a", `a${index}`));
  await expect(enqueue("a", "one more")).rejects.toThrow(unavailable);
  open();
  await Promise.all(jobs);
});

test("where all places are taken, whoever has fewest takes one from whoever has most, and nobody from an equal", async () => {
  const { ran, enqueue, open } = heldGate({ maxWaiting: 4, maxWaitingOfOne: 4 });
  const [a1, a2, a3, b1] = [enqueue("a", "a1"), enqueue("a", "a2"), enqueue("a", "a3"), enqueue("b", "b1")];
  const outcome = a3.catch((error: unknown) => error);
  const c1 = enqueue("c", "c1");
  expect(await outcome).toEqual(unavailable);
  await expect(enqueue("b", "b2")).rejects.toThrow(unavailable);
  open();
  await Promise.all([a1, a2, b1, c1]);
  expect(ran).toEqual(["a1", "b1", "c1", "a2"]);
});
