import { describe, expect, test } from "vitest";
import { createRig, type EdgeRig } from "#test/rigs/edge-rig.ts";
import { waitFor } from "#test/support/wait.ts";
import { changeTopics } from "./calls/change-topics.ts";

/** A stream of `order.created.1` whose client takes nothing until it reads on. */
async function openStopped(rig: EdgeRig) {
  const client = await rig.open("topic=order.created.1");
  const [stream] = [...rig.edge.hub.streams()];
  if (stream === undefined) throw new Error("there is no stream");
  const { registration } = stream.reader;
  await waitFor("it is live", () => stream.reader.isLive);
  client.stopReading();
  client.connection.write(Buffer.alloc(32_000_000, ":\n"));
  const { bytes } = client.connection;
  return {
    ...client,
    registration,
    change: (add: string[], remove: string[] = []) =>
      changeTopics(stream, registration.identity, { add, remove }, rig.edge),
    bytesSince: () => client.connection.bytes - bytes,
    /** The frames of ours and the events that came behind `ready`, in their order. */
    frames: () =>
      [...client.raw().matchAll(/(?:event: (\w+)\n)?(?:id: \S+\n)?data: (.*)\n\n/g)]
        .map(([, event, data]) => event ?? data)
        .slice(1),
  };
}

describe("a stream whose client takes nothing", () => {
  test("is told once of all changes, when it takes something again, and before what they have brought", async () => {
    await using rig = createRig();
    const client = await openStopped(rig);
    for (let round = 0; round < 40; round += 1) {
      rig.clock.now += 50;
      await (round % 2 === 0 ? client.change(["order.created.2"]) : client.change([], ["order.created.2"]));
    }
    await client.change(["order.created.3"]);
    rig.event("added", undefined, "order.created.3");
    expect(client.bytesSince()).toBe(0);
    client.readOn();
    await waitFor("the event", () => client.events().length > 0);
    expect(client.frames()).toEqual(["subscription", "added"]);
    expect(client.raw()).toContain('{"topic":"order.created.3","granted":true}],"effectiveFrom"');
  });

  test("is told once how its rights have changed", async () => {
    await using rig = createRig();
    const client = await openStopped(rig);
    for (let version = 2; version <= 6; version += 1) {
      Object.assign(rig.policy, { version, grantId: `viewer-${version}`, allow: version % 2 === 0 ? [] : [">"] });
      rig.control({ of: "policy", entry: { ...rig.entry(), roles: [], subjects: ["alice"] } });
      await waitFor("policy has answered", () => client.registration.isGrantValid);
    }
    expect(client.bytesSince()).toBe(0);
    client.readOn();
    await client.frame("subscription");
    await client.allWritten();
    expect(client.frames()).toEqual(["subscription"]);
    expect(client.raw()).toContain('{"topic":"order.created.1","granted":false}],"effectiveFrom"');
  });
});
