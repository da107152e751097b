import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HistoryTurns } from "./history-turns.ts";

const MIB = 1024 * 1024;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

describe("turns of readers of history", () => {
  test("go to 32 of a tenant at a time", async () => {
    const { read, started } = turnsOf();
    for (let index = 0; index < 40; index += 1) read("acme", "alice");
    await setImmediate();
    expect(started).toHaveLength(32);
    started[0]?.end(0);
    await setImmediate();
    expect(started).toHaveLength(33);
  });

  test("go round the tenants, and round the subjects of each", async () => {
    const { read, started } = turnsOf();
    for (let index = 0; index < 32; index += 1) read("busy", "greedy");
    for (let index = 0; index < 100; index += 1) read("busy", "greedy");
    read("busy", "modest");
    await setImmediate();
    for (let index = 0; index < 2; index += 1) {
      started[index]?.end(0);
      await setImmediate();
    }
    const later = started.slice(32).map(({ tenant, subject }) => `${tenant} ${subject}`);
    expect(later.toSorted()).toEqual(["busy greedy", "busy modest"]);
  });

  test("of a tenant whose reads do not end keep no other tenant waiting", async () => {
    const { read, started } = turnsOf();
    for (let index = 0; index < 100; index += 1) read("stuck", `person-${index}`);
    await setImmediate();
    read("small", "alice");
    read("other", "bob");
    await setImmediate();
    expect(started.slice(-2).map(({ tenant }) => tenant)).toEqual(["small", "other"]);
  });

  test("go first to those whose last read had something for them, and now and then to the others", async () => {
    const { read, started } = turnsOf();
    for (let index = 0; index < 32; index += 1) read("acme", "filler");
    for (let index = 0; index < 50; index += 1) read("acme", "lost", false);
    for (let index = 0; index < 50; index += 1) read("acme", "found");
    for (let index = 0; index < 24; index += 1) {
      await setImmediate();
      started[index]?.end(0);
    }
    await setImmediate();
    const found = started.slice(32).filter(({ subject }) => subject === "found").length;
    expect([found, started.length - 32 - found]).toEqual([21, 3]);
  });
});

describe("a subject that has read its bytes of a minute", () => {
  test("waits until some are back, and loses no turn", async () => {
    const { read, started } = turnsOf({ subject: 6 * MIB });
    read("acme", "alice");
    await setImmediate();
    started[0]?.end(9 * MIB);
    read("acme", "alice");
    read("acme", "bob");
    await setImmediate();
    expect(started.map(({ subject }) => subject)).toEqual(["alice", "bob"]);
    // 3 MiB too many, at 6 MiB a minute.
    await vi.advanceTimersByTimeAsync(29_900);
    expect(started).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(200);
    expect(started).toHaveLength(3);
  });

  test("may read all of them, and waits after one more", async () => {
    const { read, started } = turnsOf({ subject: 6 * MIB });
    for (const [index, bytes] of [6 * MIB - 1, 1, 1].entries()) {
      read("acme", "alice");
      await setImmediate();
      expect(started).toHaveLength(Math.min(index, 1) + 1);
      started[index]?.end(bytes);
    }
  });
});

test("a tenant's readers share its bytes, whose number is its own, and other tenants do not wait", async () => {
  const { read, started } = turnsOf({ tenant: (name) => (name === "small" ? MIB : 100 * MIB) });
  read("small", "alice");
  await setImmediate();
  started[0]?.end(2 * MIB);
  read("small", "bob");
  read("large", "carol");
  await setImmediate();
  expect(started.map(({ tenant }) => tenant)).toEqual(["small", "large"]);
  await vi.advanceTimersByTimeAsync(61_000);
  expect(started.map(({ tenant }) => tenant)).toEqual(["small", "large", "small"]);
});

test("a read that fails gives its place to the next one", async () => {
  const { turns } = turnsOf();
  const owner = { tenant: "acme", subject: "alice", isFinding: true };
  for (let index = 0; index < 40; index += 1) {
    await expect(turns.limit(owner, () => Promise.reject(new Error("away")))).rejects.toThrow("away");
  }
});

/** A read that has its turn. */
interface Started {
  readonly tenant: string;
  readonly subject: string;
  end(bytes: number): void;
}

function turnsOf({
  subject = 1e12,
  tenant = () => 1e12,
}: { subject?: number; tenant?: (name: string) => number } = {}) {
  const limits = { subjectBytesPerMinute: subject, historyBytesPerMinute: tenant, now: () => performance.now() };
  const turns = new HistoryTurns(limits);
  const started: Started[] = [];
  const read = (ofTenant: string, ofSubject: string, isFinding = true): void =>
    void turns.limit({ tenant: ofTenant, subject: ofSubject, isFinding }, (charge) => {
      const ended = Promise.withResolvers<void>();
      const end = (bytes: number): void => {
        charge(bytes);
        ended.resolve();
      };
      started.push({ tenant: ofTenant, subject: ofSubject, end });
      return ended.promise;
    });
  return { turns, started, read };
}
