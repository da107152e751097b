import { expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { orUnavailable } from "./or-unavailable.ts";

test("an answer passes, a failure becomes unavailable with its cause, and a known failure stays what it is", async () => {
  expect(await orUnavailable("away", async () => 1)).toBe(1);
  const cause = new Error("ECONNREFUSED");
  const failing = orUnavailable("the store is away", () => Promise.reject(cause));
  await expect(failing).rejects.toMatchObject({ code: "unavailable", message: "the store is away", cause });
  const known = new AppError("version_conflict", "somebody was quicker");
  await expect(orUnavailable("away", () => Promise.reject(known))).rejects.toBe(known);
});

test("a call that throws before it answers is a failure like any other", async () => {
  const call = (): Promise<never> => {
    throw new Error("the connection is closed");
  };
  await expect(orUnavailable("away", call)).rejects.toMatchObject({ code: "unavailable" });
});
