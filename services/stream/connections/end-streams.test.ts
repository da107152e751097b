import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createRig, type EdgeRig } from "#test/rigs/edge-rig.ts";
import { waitFor } from "#test/support/wait.ts";
import { random } from "#test/support/random.ts";
import { drain, endingMoments } from "./end-streams.ts";

describe("the moments at which a drain ends its streams", () => {
  const moments = endingMoments(5_000, 5_000, random);

  test("are in order, and leave the last clients a fifth of the time to take their end", () => {
    expect(moments).toHaveLength(5_000);
    expect(moments.toSorted((one, other) => one - other)).toEqual(moments);
    expect(moments.at(0)).toBeGreaterThanOrEqual(0);
    expect(moments.at(-1)).toBeLessThanOrEqual(4_000);
    expect(moments.at(-1)).toBeGreaterThan(3_900);
  });

  test("come evenly: clients that wait 1 to 3 s after them are at most twice as many in any second as in the mean", () => {
    const seconds = new Map<number, number>();
    for (const moment of moments) {
      const second = Math.floor((moment + 1_000 + random() * 2_000) / 1_000);
      seconds.set(second, (seconds.get(second) ?? 0) + 1);
    }
    const mean = 5_000 / seconds.size;
    expect(Math.max(...seconds.values()) / mean).toBeLessThan(2);
    expect(seconds.size).toBeGreaterThan(4);
  });

  test("come at once where there are few streams, and all at once in a drain without any time", () => {
    expect(Math.max(...endingMoments(10, 5_000, random))).toBeLessThanOrEqual(50);
    expect(endingMoments(3, 0, random)).toEqual([0, 0, 0]);
    expect(endingMoments(0, 5_000, random)).toEqual([]);
  });
});

describe("a drain", () => {
  let rig: EdgeRig;
  beforeEach(() => void (rig = createRig()));
  afterEach(() => rig[Symbol.asyncDispose]());

  test("ends each stream at its own moment, with the wait it was given; until then it gets its events", async () => {
    const clients = [await rig.open(), await rig.open()];
    // The first stream's moment is now; the second's, hours later, does not come.
    const turns = [0, 1e6];
    const draining = drain(rig.edge.admission, rig.edge.hub, 60_000, () => turns.shift() ?? 0);
    await waitFor("one has ended", () => clients.some((client) => client.raw().includes("event: bye")));
    rig.event("meanwhile");
    const [ended, open] = clients[0]?.raw().includes("event: bye") === true ? clients : clients.toReversed();
    await waitFor("the event", () => open?.events().includes("meanwhile") === true);
    expect(ended?.events()).toEqual([]);
    const waits = [...(ended?.raw() ?? "").matchAll(/^retry: (\d+)$/gm)].map(([, ms]) => ms);
    expect(waits).toHaveLength(2);
    expect(new Set(waits).size).toBe(1);
    open?.leave();
    await draining;
  });

  test("gives up what is still open when its time is over", async () => {
    await rig.open();
    const client = await rig.open();
    client.stopReading();
    client.connection.write(Buffer.alloc(32_000_000, ":\n"));
    await drain(rig.edge.admission, rig.edge.hub, 40);
    expect(rig.edge.admission.isDraining).toBe(true);
  });
});
