import { expect, test } from "vitest";
import { createRig } from "#test/rigs/edge-rig.ts";
import { waitFor } from "#test/support/wait.ts";

/** More than the edge asks about at once. */
const OTHERS = Array.from({ length: 200 }, (_, index) => ({ pattern: `e${index}.x`, permission: `e${index}:read` }));

/** An edge whose tenant allows orders, and nothing of 200 other event types. */
function createWideRig() {
  const rig = createRig();
  rig.policy.allow = [];
  rig.policy.allowed.set("order:read", ["order.created.>"]);
  rig.policy.eventMap = [{ pattern: "order.*", permission: "order:read" }, ...OTHERS];
  return rig;
}

function grantsIn(raw: string, event: "ready" | "subscription"): object[] {
  return [...raw.matchAll(new RegExp(`event: ${event}\\n(?:id: .*\\n)?data: (.*)\\n`, "g"))].map(
    ([, data = ""]) => (JSON.parse(data) as { topics: object[] }).topics,
  );
}

test("a topic of which one look cannot say whether it is granted is granted at first, and looked at again", async () => {
  await using rig = createWideRig();
  const stream = await rig.open("topic=order.>&topic=*.x.other");
  const [wild, orders] = [{ topic: "*.x.other" }, { topic: "order.>", granted: true }];
  expect(grantsIn(stream.raw(), "ready")).toEqual([[{ ...wild, granted: true }, orders]]);
  await stream.frame("subscription");
  expect(grantsIn(stream.raw(), "subscription")).toEqual([[{ ...wild, granted: false }, orders]]);
  expect(rig.policy.decided).toHaveLength(OTHERS.length + 1);
  rig.event("one");
  await waitFor("the event", () => stream.events().includes("one"));
});

test("a topic under which nothing is granted is in no index, and delivers from the change on that grants it", async () => {
  await using rig = createWideRig();
  rig.policy.allowed.set("order:read", []);
  rig.policy.allowed.set("e1:read", [">"]);
  const stream = await rig.open("topic=order.>&topic=e1.x");
  await waitFor("a live reader", () => [...rig.tenant.audiences].length === 1);
  expect(rig.tenant.audiences.match("order.created.1")).toEqual([]);
  rig.event("not granted");
  rig.policy.version = 2;
  rig.policy.allowed.set("order:read", [">"]);
  rig.control({ of: "policy", entry: { ...rig.entry(), roles: ["viewer"] } });
  rig.event("granted");
  await waitFor("the event", () => stream.events().includes("granted"));
  expect(stream.events()).toEqual(["granted"]);
  expect(grantsIn(stream.raw(), "subscription")).toEqual([
    [
      { topic: "e1.x", granted: true },
      { topic: "order.>", granted: true },
    ],
  ]);
});

test("streams that may see the same of the same topics are one audience, and share one list", async () => {
  await using rig = createWideRig();
  await Promise.all([rig.open("topic=order.>&topic=e1.x"), rig.open("topic=e1.x&topic=order.>")]);
  await waitFor("two live readers", () => rig.tenant.audiences.match("order.created.1")[0]?.size === 2);
  const [one, other] = rig.tenant.registrations;
  expect(one?.topics).toBe(other?.topics);
  expect([...rig.tenant.audiences]).toHaveLength(1);
});
