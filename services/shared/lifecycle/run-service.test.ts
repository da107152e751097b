import { expect, test } from "vitest";
import { startChild } from "#test/support/child.ts";
import { waitFor } from "#test/support/wait.ts";

/** A service whose start fails the first two times with that error. */
const serviceThatFails = (error: string) => `
import { AppError } from "#shared/errors/app-error.ts";
import { runService } from "#shared/lifecycle/run-service.ts";
let attempts = 0;
await runService("late", async () => {
  attempts += 1;
  if (attempts <= 2) throw ${error};
  console.log("started at attempt " + attempts);
  setInterval(() => {}, 1_000);
  return { async [Symbol.asyncDispose]() {} };
});`;

const start = (error: string) =>
  startChild(process.execPath, ["--input-type=module", "-e", serviceThatFails(error)], {});

test.each([
  ["finds something unavailable", 'new AppError("unavailable", "the bus has no leader")'],
  ["gets no answer in time", 'new DOMException("timeout", "TimeoutError")'],
])("a start that %s is tried again, and says so once", async (_, error) => {
  const child = start(error);
  await waitFor("it starts", () => child.output().includes("started at attempt 3"));
  expect(child.output().split("what a start needs is away").length - 1).toBe(1);
  expect(await child.end("SIGTERM")).toBe(0);
});

test("a start that fails otherwise ends the process", async () => {
  const child = start('new Error("a setting is wrong")');
  await waitFor("it ends", () => child.process.exitCode === 1);
  expect(child.output()).toContain("late cannot go on: Error: a setting is wrong");
});
