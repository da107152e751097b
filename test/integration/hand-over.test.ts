import { afterAll, beforeAll, expect, test } from "vitest";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { measureHandOver } from "../bench/hand-over.ts";
import { amountOf, timeoutOf } from "../soak/amount.ts";

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({ auth: { AUTH_ACCESS_TOKEN_SECONDS: "3600" } });
});
afterAll(() => stack[Symbol.asyncDispose]());

const DELIVERIES = amountOf("hand-over", 100_000);

test(
  `${DELIVERIES} deliveries to clients that begin anywhere in the past and become live lose, repeat and swap nothing`,
  async () => {
    const load = { clients: 20, ratePerSecond: 400, deliveries: DELIVERIES, handOvers: 100 };
    const { account, stuck } = await measureHandOver(stack, load);
    expect(account.delivered).toBeGreaterThanOrEqual(load.deliveries);
    expect({ stuck, gaps: account.gaps, resets: account.resets }).toEqual({ stuck: 0, gaps: 0, resets: 0 });
  },
  timeoutOf(300_000),
);
