import { afterEach, beforeEach, expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { createRig, type EdgeRig } from "#test/rigs/edge-rig.ts";

let rig: EdgeRig;
beforeEach(() => {
  rig = createRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

test("an event that cannot be encoded for some readers is passed, and told once", async () => {
  const plain = await rig.open();
  const envelopes = [
    await rig.open("topic=order.>&format=cloudevents"),
    await rig.open("topic=order.created.>&format=cloudevents"),
  ];
  rig.event("before");
  rig.brokenEvent();
  rig.event("after");
  await waitFor("all that is readable", () => plain.events().length === 3);
  for (const envelope of envelopes) await waitFor("both others", () => envelope.events().length === 2);
  expect(plain.events()).toEqual(["before", "broken", "after"]);
  expect(rig.poison).toEqual([{ tenant: "acme", seq: 3, reason: "failed", error: expect.any(RangeError) }]);
});

test("a reader that catches up passes it, too", async () => {
  const first = await rig.open();
  await first.frame("ready");
  rig.event("before");
  rig.brokenEvent();
  rig.event("after");
  const late = await rig.open("topic=order.>&format=cloudevents", "first-epoch.1.t1");
  await waitFor("both others", () => late.events().length === 2);
  expect(rig.poison).toHaveLength(1);
});
