import { expect, test } from "vitest";
import { limitConcurrency } from "./limit-concurrency.ts";

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

test("a task that fails gives its place to the next one, and its error to its caller", async () => {
  const limit = limitConcurrency(1);
  const failed = limit(() => Promise.reject(new Error("no")));
  const next = limit(() => Promise.resolve("yes"));
  await expect(failed).rejects.toThrow("no");
  await expect(next).resolves.toBe("yes");
});

test("a place that nobody waited for is free", async () => {
  const limit = limitConcurrency(1);
  for (let round = 0; round < 3; round += 1) expect(await limit(() => Promise.resolve(round))).toBe(round);
});

function tasks(max: number) {
  const limited = limitConcurrency(max);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const limit = (name: string): Promise<string> =>
    limited(() => {
      begun.push(name);
      return new Promise((resolve) => ends.set(name, () => resolve(name)));
    });
  return { limit, begun, end: (name: string) => ends.get(name)?.() };
}

/** Lets everything happen that is due. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
