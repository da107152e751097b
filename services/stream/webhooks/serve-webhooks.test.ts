import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Stream } from "../connections/hub.ts";
import type { SubscriptionKey } from "../durable/subscription-store.ts";
import { ServeWebhooks } from "./serve-webhooks.ts";

const keyOf = (name: string): SubscriptionKey => ({ tenant: "acme", subject: "alice", name });

let opened: string[];
let asked: string[];
let untaken: string[];
let closers: Map<string, () => void>;
let refuse: AppError | undefined;
let living: Set<string>;
let serving: ServeWebhooks;
let now: number;

beforeEach(() => {
  now = 0;
  [opened, asked, untaken, closers, refuse, living] = [[], [], [], new Map(), undefined, new Set()];
  serving = new ServeWebhooks({
    open: async ({ name }) => {
      opened.push(name);
      if (refuse !== undefined) throw refuse;
      const { promise, resolve } = Promise.withResolvers<void>();
      closers.set(name, resolve);
      return { reader: { connection: { closed: promise } } } as unknown as Stream;
    },
    isHeld: async (_, connectionId) => {
      asked.push(connectionId);
      return living.has(connectionId.slice(0, 2));
    },
    workerOf: (connectionId) => connectionId.slice(0, 2),
    observer: { untaken: ({ name }) => void untaken.push(name) },
    now: () => now,
    everyMs: 1,
  });
});
afterEach(() => serving[Symbol.asyncDispose]());

/** Two looks are over: a process is asked about in each. */
async function look(): Promise<void> {
  serving.onCallback(keyOf("marker"), "marker-1");
  const before = asked.filter((id) => id === "marker-1").length;
  living.add("ma");
  await waitFor("looks", () => asked.filter((id) => id === "marker-1").length >= before + 2);
  await turn();
}

test("a subscription that nobody holds is taken once, and again when it is let go", async () => {
  serving.onCallback(keyOf("a"), undefined);
  serving.onCallback(keyOf("a"), undefined);
  await turn();
  expect(opened).toEqual(["a"]);
  expect(serving.counts).toEqual({ known: 1, held: 1 });
  serving.onCallback(keyOf("a"), "us-1");
  closers.get("a")?.();
  await turn();
  serving.onCallback(keyOf("a"), undefined);
  await turn();
  expect(opened).toEqual(["a", "a"]);
});

test("those of another process are left to it while one of them is; then all are taken", async () => {
  living.add("w1").add("w2");
  for (const name of ["a", "b", "c"]) serving.onCallback(keyOf(name), `w1-${name}`);
  serving.onCallback(keyOf("d"), "w2-d");
  await look();
  expect(opened).toEqual([]);
  expect(new Set(asked.map((id) => id.slice(0, 2)))).toEqual(new Set(["w1", "w2", "ma"]));
  living.delete("w1");
  await look();
  expect(opened.toSorted()).toEqual(["a", "b", "c"]);
});

test("one that cannot be taken is told once and tried less and less often; one that is gone is forgotten", async () => {
  refuse = new AppError("session_ended", "auth does not know them");
  serving.onCallback(keyOf("a"), undefined);
  for (const [seconds, tries] of [
    [0, 1],
    [0, 1],
    [1, 2],
    [1.4, 2],
    [4, 3],
    [34, 4],
  ] as const) {
    now = seconds * 1_000;
    await look();
    expect(opened).toHaveLength(tries);
  }
  expect(untaken).toEqual(["a"]);
  refuse = new AppError("not_found", "no such subscription");
  now = 100_000;
  await waitFor("it is forgotten", () => serving.counts.known === 1);
});

test("one whose callback was taken away is left alone", async () => {
  serving.onCallback(keyOf("a"), "w1-a");
  serving.onOther(keyOf("a"));
  await look();
  expect([opened, serving.counts.known]).toEqual([[], 1]);
});
