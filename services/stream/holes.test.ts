import { afterEach, expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import type { Grant } from "./access/grant.ts";
import type { Reader } from "./connections/reader.ts";
import { behindAt } from "./connections/reader-state.ts";
import { writeSlice } from "./connections/write-slice.ts";
import type { Hold } from "./durable/hold.ts";
import { holeOf } from "./event.ts";
import { createRig, type EdgeRig } from "#test/rigs/edge-rig.ts";

type Client = Awaited<ReturnType<EdgeRig["open"]>>;

let rig: EdgeRig;
afterEach(() => rig[Symbol.asyncDispose]());

test("a live reader is told a hole at once, and what came before it is written before", async () => {
  rig = createRig({ flushMs: 50 });
  const client = await rig.open();
  await waitFor("the reader is live", () => [...rig.tenant.audiences].length === 1);
  rig.event("first");
  rig.event("pending");
  rig.holes(3);
  await client.frame("gap");
  expect(told(client)).toEqual(["first", "pending", "3 to 6"]);
  rig.event("after");
  await waitFor("the next event", () => client.events().includes("after"));
  expect(told(client)).toEqual(["first", "pending", "3 to 6", "after"]);
});

test("holes with nothing for a reader between them are told it as one, and others as they lie", async () => {
  rig = createRig();
  const [all, none] = [await rig.open(), await rig.open("topic=invoice.>&topic=order.deleted")];
  await waitFor("both are live", () => [...rig.tenant.audiences].length === 2);
  rig.holes(2, 3, 1);
  await Promise.all([all.frame("gap"), none.frame("gap")]);
  await waitFor("the last gap", () => told(all).length === 5);
  expect(told(all)).toEqual(["1 to 3", "behind 2", "4 to 7", "behind 3", "8 to 9"]);
  expect(told(none)).toEqual(["1 to 9"]);
});

test("a hole invalidates everything: nothing is delivered behind it before auth and policy have answered again", async () => {
  rig = createRig();
  const client = await rig.open();
  await waitFor("the reader is live", () => [...rig.tenant.audiences].length === 1);
  const session = rig.holdSession();
  rig.holes(1);
  rig.event("behind");
  await session.asked;
  expect(told(client)).toEqual([]);
  session.answer({ state: "revoked" });
  await waitFor("the stream is over", () => rig.tenant.registrations.size === 0);
  expect(client.events()).toEqual([]);
});

test("many holes in a row ask policy once, not once for each", async () => {
  rig = createRig();
  const clients = [await rig.open(), await rig.open()];
  await waitFor("both are live", () => [...rig.tenant.audiences][0]?.size === 2);
  const asked = rig.policy.resolved;
  rig.holes(...Array.from({ length: 300 }, () => 1));
  await Promise.all(clients.map((client) => waitFor("the last gap", () => told(client).length === 599)));
  expect(rig.policy.resolved - asked).toBeLessThanOrEqual(clients.length);
});

test("a heartbeat tells a held reader its hole before it tells its place", async () => {
  rig = createRig();
  const client = await rig.open();
  await waitFor("the reader is live", () => [...rig.tenant.audiences].length === 1);
  // Policy has said nothing yet about what stands behind the hole.
  const session = rig.holdSession();
  rig.holes(1);
  await session.asked;
  for (const { stream } of rig.tenant.registrations) (stream as Reader).keepAlive();
  expect(client.raw()).not.toContain("event: cursor");
  session.answer({ state: "live", remainingMs: 60_000, isFinal: false });
  await client.frame("gap");
});

test("an event of a mirror that is known to be erased before the entry that says so comes to nobody, and is told to those whom it was for", async () => {
  rig = createRig();
  const [all, other] = [await rig.open(), await rig.open("topic=invoice.>&topic=order.deleted")];
  await waitFor("both are live", () => [...rig.tenant.audiences].length === 2);
  const { log } = rig.tenant;
  log.isMirror = true;
  log.hearOrigin(rig.clock.now, 0);
  log.erase([{ subject: "order.*.*", through: 3 }]);
  for (const text of ["erased", "erased, too", "kept"]) rig.event(text);
  rig.control({ of: "erased", entry: { subject: "order.*.*", through: 3 } });
  await waitFor("what is kept", () => all.events().length === 1);
  expect(told(all)).toEqual(["1 to 3", "kept"]);
  await other.allWritten();
  expect(told(other)).toEqual([]);
});

test("a durable subscription is told a hole at once: its record passes it with the next write", async () => {
  rig = createRig();
  await rig.open();
  const [stream] = rig.edge.hub.streams();
  const reader = stream?.reader as Reader;
  const { registration, frames, connection } = reader;
  const hold = { wants: () => true, room: 3, delivered: () => undefined } as unknown as Hold;
  const state = behindAt({ seq: 1, tag: "t1" }, rig.tenant.log, rig.edge);
  const grant = registration.grantAt(2, rig.clock.now) as Grant;
  const losses: unknown[] = [];
  frames.onLoss = ({ data }) => void losses.push(data);
  const slice = { entries: [holeOf(2, 3)], end: { seq: 3, tag: "0" } };
  const durable = { registration, frames, connection, durable: hold, late: undefined, trace: undefined };
  const format = { body: "raw", naming: "message", framing: "sse" } as const;
  writeSlice(rig.tenant, slice, { ...durable, gotEvents: () => undefined }, state, { grant, format }, () => 0);
  expect(state.cursor.seq).toBe(3);
  expect(losses).toEqual([{ from: "first-epoch.1.t1", to: "first-epoch.3.0", reason: "erased" }]);
});

/** The events and the gaps that a client was told, in order. */
function told(client: Client): string[] {
  const blocks = client.raw().split("\n\n");
  return blocks.flatMap((block) => {
    const data = /^data: (.*)$/m.exec(block)?.[1] ?? "";
    if (block.includes("event: gap\n")) {
      const { from, to, reason } = JSON.parse(data) as { from: string; to: string; reason: string };
      return [`${from.split(".")[1]} to ${to.split(".")[1]}${reason === "erased" ? "" : ` by ${reason}`}`];
    }
    return /^event: /m.test(block) || !block.includes("id: ") ? [] : [data];
  });
}
