import { expect, test } from "vitest";
import { singleFlight } from "./single-flight.ts";

test("who asks while the same question is under way gets its answer; who comes later asks anew", async () => {
  const flight = singleFlight<number>();
  let asked = 0;
  const ask = async (): Promise<number> => ++asked;
  expect(await Promise.all([flight("a", ask), flight("a", ask), flight("b", ask)])).toEqual([1, 1, 2]);
  expect(await flight("a", ask)).toBe(3);
});

test("a failure is everybody's who waits, and is not kept", async () => {
  const flight = singleFlight<string>();
  const fail = () => Promise.reject(new Error("away"));
  const [one, two] = await Promise.allSettled([flight("a", fail), flight("a", fail)]);
  expect([one.status, two.status]).toEqual(["rejected", "rejected"]);
  expect(await flight("a", async () => "back")).toBe("back");
});
