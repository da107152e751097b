import { expect, test } from "vitest";
import { auditSubscription, concludeSubscription } from "#test/support/checker/subscription-audit.ts";
import { MODEL, runDurableModel } from "#test/support/durable-model.ts";
import { startStack } from "#test/support/start-stack.ts";
import { amountOf, timeoutOf } from "../soak/amount.ts";

const STEPS = amountOf("durable", 40);

test(
  "a durable subscription keeps its promises while edges and the broker are killed between any two steps",
  async () => {
    await using stack = await startStack();
    const edges = [stack.edge, await stack.startEdge()];
    const world = { stack, edges, bus: await stack.bus("demo"), token: (await stack.login("bob")).access_token };
    for (let done = 0; done < STEPS; done += 60) {
      const moments = await runDurableModel({ ...world, name: `model-${done}` }, Math.min(60, STEPS - done));
      expect(concludeSubscription(auditSubscription(moments, MODEL))).toMatch(/^sound/);
    }
  },
  timeoutOf(90_000),
);
