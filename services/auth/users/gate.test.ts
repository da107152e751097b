import { expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { createGate } from "./gate.ts";

const anything = async () => "ran";

/** A gate for two with room for three more, and jobs that end when told. */
async function busyGate() {
  const gate = createGate({ maxRunning: 2, maxWaiting: 3 });
  const begun: number[] = [];
  const jobs = [0, 1, 2, 3, 4].map((id) => {
    const ending = Promise.withResolvers<number>();
    const done = gate(() => {
      begun.push(id);
      return ending.promise;
    });
    return { done, succeed: () => ending.resolve(id), fail: () => ending.reject(new Error(`job ${id}`)) };
  });
  await waitFor("two jobs run", () => begun.length === 2);
  return { gate, begun, jobs };
}

test("jobs run as there is room, in the order they came, also after one that failed", async () => {
  const { begun, jobs } = await busyGate();
  expect(begun).toEqual([0, 1]);
  jobs[1]!.fail();
  await expect(jobs[1]!.done).rejects.toThrow("job 1");
  expect(begun).toEqual([0, 1, 2]);
  for (const job of jobs) job.succeed();
  expect(await Promise.all([0, 2, 3, 4].map((id) => jobs[id]!.done))).toEqual([0, 2, 3, 4]);
});

test("one more than may wait is refused, until somebody left", async () => {
  const { gate, jobs } = await busyGate();
  await expect(gate(anything)).rejects.toThrow(expect.objectContaining({ code: "unavailable" }));
  jobs[0]!.succeed();
  await jobs[0]!.done;
  const late = gate(anything);
  for (const { succeed } of jobs) succeed();
  expect(await late).toBe("ran");
});
