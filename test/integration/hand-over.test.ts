import { afterAll, beforeAll, expect, test } from "vitest";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { measureHandOver } from "../bench/hand-over.ts";

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

test("200 000 deliveries to clients that begin anywhere in the past and become live lose, repeat and swap nothing", async () => {
  const load = { clients: 200, ratePerSecond: 1_000, deliveries: 200_000 };
  const { account, handOvers, stuck } = await measureHandOver(stack, load);
  expect(account.delivered).toBeGreaterThanOrEqual(load.deliveries);
  expect({ stuck, gaps: account.gaps, resets: account.resets }).toEqual({ stuck: 0, gaps: 0, resets: 0 });
  expect(handOvers).toBeGreaterThan(100);
}, 120_000);
