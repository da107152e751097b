import { expect, test } from "vitest";
import { shareReads } from "./share-reads.ts";

function createReader() {
  const begun: { key: string; answer: (value: string) => void; fail: (error: Error) => void }[] = [];
  const read = shareReads((key: string) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    begun.push({ key, answer: resolve, fail: reject });
    return promise;
  });
  return { begun, read };
}

test("questions that come while a read is under way share the next one, never that one", async () => {
  const { begun, read } = createReader();
  const first = read("acme");
  const [second, third] = [read("acme"), read("acme")];
  expect(begun).toHaveLength(1);
  begun[0]?.answer("old");
  expect(await first).toBe("old");
  await Promise.resolve();
  expect(begun).toHaveLength(2);
  begun[1]?.answer("new");
  expect(await Promise.all([second, third])).toEqual(["new", "new"]);
});

test("keys do not wait for each other, and nothing is remembered", async () => {
  const { begun, read } = createReader();
  const [acme, rival] = [read("acme"), read("rival")];
  expect(begun.map(({ key }) => key)).toEqual(["acme", "rival"]);
  begun[0]?.answer("a");
  begun[1]?.answer("b");
  expect([await acme, await rival]).toEqual(["a", "b"]);
  void read("acme");
  expect(begun).toHaveLength(3);
});

test("a read that fails fails its own questions, and the next begins all the same", async () => {
  const { begun, read } = createReader();
  const [first, second] = [read("acme"), read("acme")];
  begun[0]?.fail(new Error("away"));
  await expect(first).rejects.toThrow("away");
  await Promise.resolve();
  begun[1]?.answer("back");
  expect(await second).toBe("back");
});
