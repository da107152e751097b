import { expect, test } from "vitest";
import { fairLimiter, sharingLimiter } from "./fair-limiter.ts";

test("as many tasks run as may, and the next one waits for its turn", async () => {
  const { limit, begun, end } = tasks(2);
  const all = [limit("a"), limit("b"), limit("c")];
  await turn();
  expect(begun).toEqual(["a", "b"]);
  end("a");
  await turn();
  expect(begun).toEqual(["a", "b", "c"]);
  end("b");
  end("c");
  expect(await Promise.all(all)).toEqual(["a", "b", "c"]);
});

test("tasks begin in the order they came", async () => {
  const { limit, begun, end } = tasks(1);
  const names = ["a", "b", "c", "d"];
  const all = names.map((name) => limit(name));
  for (const name of names) {
    await turn();
    end(name);
  }
  await Promise.all(all);
  expect(begun).toEqual(names);
});

test("owners take turns, however many tasks one of them has", async () => {
  const { limit, begun, end } = tasks(1);
  const all = ["a1", "a2", "a3", "a4"].map((name) => limit(name, "a"));
  all.push(limit("b1", "b"), limit("c1", "c"), limit("b2", "b"));
  const order = ["a1", "a2", "b1", "c1", "a3", "b2", "a4"];
  for (const name of order) {
    await turn();
    end(name);
  }
  await Promise.all(all);
  expect(begun).toEqual(order);
});

test("a task that fails gives its place to the next one, and its error to its caller", async () => {
  const limit = fairLimiter(1);
  const failed = limit("me", () => Promise.reject(new Error("no")));
  const next = limit("me", () => Promise.resolve("yes"));
  await expect(failed).rejects.toThrow("no");
  await expect(next).resolves.toBe("yes");
});

test("a place that nobody waited for is free", async () => {
  const limit = fairLimiter(1);
  for (let round = 0; round < 3; round += 1) expect(await limit("me", () => Promise.resolve(round))).toBe(round);
});

test("where owners share, tasks that never end keep no other owner waiting, and one that ends makes room", async () => {
  const { limit, begun, end } = tasks(8, sharingLimiter);
  for (const name of ["a1", "a2", "a3", "a4", "a5", "a6"]) void limit(name, "a");
  for (const name of ["b1", "b2", "b3"]) void limit(name, "b");
  await turn();
  expect(begun).toEqual(["a1", "a2", "a3", "a4", "b1", "b2"]);
  end("b1");
  await turn();
  expect(begun.slice(6)).toEqual(["b3"]);
});

function tasks(max: number, limiter = fairLimiter) {
  const limited = limiter(max);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const limit = (name: string, owner = "me"): Promise<string> =>
    limited(owner, () => {
      begun.push(name);
      return new Promise((resolve) => ends.set(name, () => resolve(name)));
    });
  return { limit, begun, end: (name: string) => ends.get(name)?.() };
}

/** Lets everything happen that is due. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
