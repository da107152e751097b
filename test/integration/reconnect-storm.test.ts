import { afterAll, beforeAll, expect, test } from "vitest";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { measureStorm } from "../bench/reconnect-storm.ts";
import { amountOf, timeoutOf } from "../soak/amount.ts";

let stack: Stack;

beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

const CLIENTS = amountOf("reconnect-storm", 600);

test(
  `${CLIENTS} clients that are killed at once all resume, lose and repeat nothing, and share one consumer`,
  async () => {
    const load = { clients: CLIENTS, groups: CLIENTS / 50, ratePerSecond: 500, processes: 1 };
    const { account, consumers, seconds } = await measureStorm(stack, load);
    process.stdout.write(`${load.clients} clients were back and caught up after ${seconds.toFixed(1)} s\n`);
    expect({ gaps: account.gaps, resets: account.resets }).toEqual({ gaps: 0, resets: 0 });
    // One tenant, one edge.
    expect(consumers).toBe(1);
  },
  timeoutOf(120_000),
);
