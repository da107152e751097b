import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { controlOf, createRig, type EdgeRig, eventOf } from "#test/rigs/edge-rig.ts";
import { waitFor } from "#test/support/wait.ts";
import { deliver } from "./deliver.ts";
import type { ControlEntry, LogEntry } from "./event.ts";
import type { Connection } from "./connections/connection.ts";
import { Turns } from "./turns/turns.ts";

/** More than one step of a flush. */
const READERS = 70;

let rig: EdgeRig;
let turnCount: number;
let onDelivered: (seq: number) => unknown;
afterEach(() => rig[Symbol.asyncDispose]());

describe("a flush to more readers than one turn of the loop has room for", () => {
  test("is finished before a change of rights takes effect, and nothing is written under an old right after it", async () => {
    const clients = await openAll();
    const turnsBefore = turnCount;
    const toldOf = (count: number): boolean =>
      clients.every((client) => client.raw().split("event: subscription").length > count);
    for (let round = 1; round <= 3; round += 1) {
      feed("seen", "seen too", change([]), "secret");
      await waitFor(
        "everyone is told that nothing is granted",
        () => toldOf(2 * round - 1) && liveReaders() === READERS,
      );
      feed(change([">"]), "back");
      await waitFor("everyone is back", () => toldOf(2 * round) && clients.every((each) => hasLast(each, "back")));
    }
    const round = ["seen", "seen too", "back"];
    for (const client of clients) expect(client.events()).toEqual([...round, ...round, ...round]);
    expect(turnCount - turnsBefore).toBeGreaterThan(20);
  });

  test("is read on by those whose session is asked for in its middle, from where each one stands", async () => {
    const clients = await openAll();
    const before = progressOf(clients);
    const written = (): number => progressOf(clients).filter((bytes, index) => bytes > (before[index] ?? 0)).length;
    feed("1");
    while (written() === 0) await nextTurn();
    expect(written()).toBeLessThan(READERS);
    // The clocks part: at the next turn nobody is left in an audience.
    rig.clock.wallAhead += 60_000;
    feed("2", () => ({ of: "session", entry: { sub: "alice", action: "changed" } }), "3");
    await waitFor("everyone has the last event", () => clients.every((each) => hasLast(each, "3")));
    expect(rig.auth.asked.length).toBeGreaterThan(2 * READERS);
    for (const client of clients) expect(client.events()).toEqual(["1", "2", "3"]);
  });

  test("serves nothing that an erasure behind it names once that is applied", async () => {
    const clients = await openAll();
    const applied = Promise.withResolvers<readonly number[]>();
    onDelivered = (seq) => seq === 4 && applied.resolve(progressOf(clients));
    // The second one waits for others until the erasure comes.
    feed("erased", "erased soon", () => ({ of: "erased", entry: { subject: "order.>", through: 3 } }));
    const atErasure = await applied.promise;
    await waitFor("everyone has the event", () => clients.every((each) => hasLast(each, "erased soon")));
    expect(progressOf(clients)).toEqual(atErasure);
  });
});

/** Delivers entries as a feed does: in the tenant's turns, and in each step as many as can be. */
function feed(...contents: readonly (string | (() => ControlEntry["change"]))[]): void {
  const rest = contents.values();
  let entry = next();
  rig.tenant.turns.run(() => {
    for (; entry !== undefined; entry = next()) {
      if (!deliver(rig.tenant, entry, rig.edge)) return true;
      onDelivered(entry.position.seq);
    }
    return false;
  });

  function next(): LogEntry | undefined {
    const seq = rig.tenant.log.horizon.seq + 1;
    const content = rest.next().value;
    if (content === undefined) return undefined;
    const position = { seq, tag: `t${seq}` };
    return typeof content === "string" ? eventOf(position, content) : controlOf(position, content());
  }
}

/** A change of policy that takes everything from everyone, or gives it back. */
function change(allow: readonly string[]): () => ControlEntry["change"] {
  return () => {
    rig.policy.version += 1;
    rig.policy.allow = [...allow];
    rig.policy.grantId = `viewer-${rig.policy.version}`;
    return { of: "policy", entry: { ...rig.entry(), roles: [], subjects: ["alice"] } };
  };
}

/** How many bytes were written to each. */
function progressOf(clients: readonly { readonly connection: Connection }[]): number[] {
  return clients.map(({ connection }) => connection.progress);
}

function hasLast(client: { events(): readonly unknown[] }, text: string): boolean {
  return client.events().at(-1) === text;
}

async function openAll() {
  turnCount = 0;
  onDelivered = () => {};
  let now = 0;
  // A turn ends after three looks at this clock: each step has a turn of its own.
  const turns = new Turns({ now: () => (now += 2), checkClock: () => void (turnCount += 1) });
  rig = createRig({ turns, places: 2 * READERS, flushMs: 50 });
  const clients = [];
  for (let index = 0; index < READERS; index += 1) clients.push(await rig.open());
  await waitFor("all are live", () => liveReaders() === READERS);
  return clients;
}

function liveReaders(): number {
  return [...rig.tenant.audiences].reduce((sum, { size }) => sum + size, 0);
}
