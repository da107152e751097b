import { expect, test } from "vitest";
import { requestOf } from "./stream-request.ts";

const OPTIONS = { url: "https://edge.test", onGap: "ignore", onReset: "ignore", onDegraded: "ignore" } as const;

test("a component that has another token asks for another stream: it may be another person's", () => {
  const requests = ["ann's", "bob's", undefined].map((token) => requestOf({ ...OPTIONS, ...(token && { token }) }));
  expect(new Set(requests).size).toBe(3);
});

test("a function that fetches tokens is another one with each render, and the stream the same", () => {
  const [first, second] = [1, 2].map((round) => requestOf({ ...OPTIONS, token: async () => `token ${round}` }));
  expect(first).toBe(second);
  expect(first).not.toBe(requestOf(OPTIONS));
});
