import { setImmediate as turn } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { eventAt } from "#test/rigs/event-entry.ts";
import { waitFor } from "#test/support/wait.ts";
import type { Registration } from "../access/registration.ts";
import type { Position } from "../event.ts";
import type { Hold } from "../durable/hold.ts";
import { encodeControl, encodeEvent, type FrameFormat } from "../frames/encode-frame.ts";
import type { TakenCallback } from "../open-webhook.ts";
import type { Message, PostOutcome } from "./http/post.ts";
import { Lanes } from "./lanes.ts";
import type { MessageSigner } from "./sign-message.ts";
import { WebhookConnection, type WebhookDeps } from "./webhook-connection.ts";

const FORMAT: FrameFormat = { body: "cloudevents", naming: "message", framing: "json" };
const NEXT = { seq: 11, tag: "t" };
const SIGNER: MessageSigner = { sign: (id, timestamp) => `${id} at ${timestamp}` };

let now: number;
let told: unknown[];
let posts: { readonly message: Message; readonly stop: AbortSignal; readonly answer: (outcome: PostOutcome) => void }[];
let registration: { ended: string | undefined; grant: object; [name: string]: unknown };
let hold: { isPaused: boolean; ended: boolean; next: object | undefined; [name: string]: unknown };
let hasSecret: boolean;
let erasures: { edition: number };
let connection: WebhookConnection;
let connect: () => WebhookConnection;

beforeEach(() => {
  now = 0;
  erasures = { edition: 3 };
  [told, posts, hasSecret] = [[], [], true];
  registration = {
    ended: undefined,
    deadline: 1_000_000,
    grantEndsAt: Number.POSITIVE_INFINITY,
    isGrantValid: true,
    grant: { edition: 1 },
  };
  hold = {
    key: { tenant: "acme", subject: "alice", name: "orders" },
    record: { failure: undefined, open: new Map([[11, { deliveries: 2 }]]), definition: { maxDeliver: 8 } },
    isPaused: false,
    ended: false,
    next: undefined,
    accepted: (at: Position[], isTold: boolean) =>
      void told.push(["accepted", seqsOf(at), ...(isTold ? [] : ["not told"])]),
    failed: (at: Position[], reason: string, leastMs: number) =>
      void told.push(["failed", seqsOf(at), reason, leastMs]),
    takeBack: (at: Position[]) => void told.push(["takeBack", seqsOf(at)]),
  };
  const taken: TakenCallback = {
    hold: hold as unknown as Hold,
    callback: { url: "https://hooks.example.com/a", secretRef: "hook" },
    registration: registration as unknown as Registration,
    erasures,
  };
  const deps: WebhookDeps = {
    lanes: new Lanes({ perHost: 1, inAll: 1, now: () => now, onSwitch: () => void told.push("switched") }),
    poster: {
      post: (message, stop) => {
        const { promise, resolve } = Promise.withResolvers<PostOutcome>();
        posts.push({ message, stop, answer: resolve });
        return promise;
      },
      [Symbol.dispose]: () => {},
    },
    signerOf: () => (hasSecret ? SIGNER : undefined),
    onGone: () => void told.push("gone"),
    observer: { posted: () => {}, troubled: (_, reason) => void told.push(["troubled", reason]) },
    now: () => now,
    wall: () => 7_000,
  };
  connect = () => new WebhookConnection(taken, deps);
  connection = connect();
});

const seqsOf = (positions: readonly Position[]): number[] => positions.map(({ seq }) => seq);

function frameOf(seq: number): Buffer {
  return encodeEvent("acme", "epoch", eventAt(seq), FORMAT);
}

function write(...seqs: number[]): Promise<void> {
  connection.write(
    Buffer.concat(seqs.map(frameOf)),
    seqs.map((seq) => ({ seq, tag: "t" })),
  );
  return turn();
}

/** Writes a gap between two sequences. */
function gapFrames(from: number, to: number): void {
  const id = `first-epoch.${to}.t`;
  connection.write(encodeControl(FORMAT, "gap", { from: `first-epoch.${from}.t`, to: id, reason: "erased" }, { id }));
}

async function answer(outcome: PostOutcome): Promise<void> {
  posts.at(-1)?.answer(outcome);
  await turn();
}

const dataOf = (place: number): unknown[] =>
  (JSON.parse(posts[place]?.message.body.toString() ?? "[]") as { data: unknown }[]).map(({ data }) => data);

describe("a callback", () => {
  test("has one message in hand, signed, and takes the next when that is answered", async () => {
    expect(connection.writable).toBe(true);
    await write(11, 12);
    expect(connection.writable).toBe(false);
    expect(dataOf(0)).toEqual([11, 12]);
    const { headers } = posts[0]?.message ?? {};
    expect(headers?.["webhook-signature"]).toBe(`${headers?.["webhook-id"]} at 7`);
    const drained = connection.drained();
    await answer({ is: "delivered" });
    await drained;
    expect([connection.writable, told]).toEqual([true, [["accepted", [11, 12]]]]);
  });

  test("is drained when it is reset while its message waits for another one's lane", async () => {
    await write(11);
    const waiting = connect();
    waiting.write(frameOf(12), [{ seq: 12, tag: "t" }]);
    await turn();
    expect([posts.length, waiting.writable]).toEqual([1, false]);
    const drained = waiting.drained();
    waiting.reset();
    await Promise.all([drained, waiting.closed]);
    await answer({ is: "delivered" });
    await turn();
    expect(posts).toHaveLength(1);
  });

  test("takes a hundred events together, and fewer with each delivery that failed", () => {
    expect(connection.room).toBe(100);
    hold.next = NEXT;
    const open = (hold["record"] as { open: Map<number, object> }).open;
    for (const [deliveries, room] of [
      [2, 25],
      [3, 6],
      [4, 1],
      [9, 1],
    ] as const) {
      open.set(11, { deliveries });
      expect(connection.room).toBe(room);
    }
  });

  test("takes an event that has its last delivery alone", () => {
    Object.assign(hold["record"] as object, { definition: { maxDeliver: 2 } });
    expect(connection.room).toBe(100);
    hold.next = NEXT;
    expect(connection.room).toBe(1);
  });

  test("that fails is told about once, and rests as long as it asks for", async () => {
    await write(11);
    await answer({ is: "failed", reason: "the receiver answers 429", isAway: true, retryAfterMs: 20 });
    expect(told).toEqual([
      ["troubled", "the receiver answers 429"],
      ["failed", [11], "the receiver answers 429", 20],
    ]);
    await write(12);
    expect(posts).toHaveLength(1);
    await waitFor("the next message", () => posts.length === 2);
  });

  test("is told of a gap with the events that follow it, until it has taken that", async () => {
    const gap = { from: "epoch.1.t", to: "epoch.9.t", reason: "retention" } as const;
    connection.write(encodeControl(FORMAT, "gap", gap, { id: "epoch.9.t" }));
    connection.write(encodeControl(FORMAT, "cursor", "", { id: "epoch.9.t" }));
    expect(posts).toHaveLength(0);
    await write(11);
    expect(dataOf(0)).toEqual([gap, 11]);
    await answer({ is: "failed", reason: "x", isAway: false });
    await write(12);
    expect(dataOf(1)).toEqual([gap, 12]);
    await answer({ is: "delivered" });
    await write(13);
    expect(dataOf(2)).toEqual([13]);
  });

  test("has another message where a gap comes with events that it had before", async () => {
    const idOf = (place: number) => posts[place]?.message.headers["webhook-id"];
    await write(11);
    await answer({ is: "failed", reason: "no answer", isAway: false });
    await write(11);
    gapFrames(9, 10);
    await answer({ is: "failed", reason: "no answer", isAway: false });
    for (let again = 0; again < 2; again += 1) {
      await write(11);
      await answer({ is: "failed", reason: "no answer", isAway: false });
    }
    expect([idOf(1) === idOf(0), idOf(2) === idOf(1), idOf(3) === idOf(2)]).toEqual([true, false, true]);
  });

  test("knows of no gap that came while its message was in hand", async () => {
    await write(11);
    gapFrames(9, 10);
    await answer({ is: "delivered" });
    await write(12);
    await answer({ is: "delivered" });
    expect(told).toEqual([
      ["accepted", [11], "not told"],
      ["accepted", [12]],
    ]);
  });

  test("is told of every gap, however many there were before the next event", async () => {
    for (let seq = 0; seq < 300; seq += 2) gapFrames(seq, seq + 1);
    await write(311);
    const gaps = dataOf(0).slice(0, -1) as { from: string; to: string }[];
    expect([gaps.length, gaps[0]?.from, gaps[1]?.from, gaps.at(-1)?.to]).toEqual([
      100,
      "first-epoch.0.t",
      "first-epoch.102.t",
      "first-epoch.299.t",
    ]);
  });

  test("that is gone gets nothing more", async () => {
    await write(11);
    await answer({ is: "gone" });
    await write(12);
    expect([told, posts.length]).toEqual([["gone"], 1]);
  });
});

describe("what was judged before its bytes leave", () => {
  test.each<[string, () => void]>([
    ["the owner's right is over", () => (registration.ended = "revoked")],
    ["the session must be asked for again", () => (registration["deadline"] = undefined)],
    ["the grant must be asked for again", () => (registration["isGrantValid"] = false)],
    ["there is another grant", () => (registration.grant = { edition: 1 })],
    ["a decision has changed", () => (registration.grant = Object.assign(registration.grant, { edition: 2 }))],
    ["something is erased from the log", () => (erasures.edition += 1)],
    ["the subscription is paused", () => (hold.isPaused = true)],
    ["another process holds the subscription", () => (hold.ended = true)],
    ["the secret is taken away", () => (hasSecret = false)],
  ])("does not leave where %s", async (_, change) => {
    await write(11);
    expect(posts[0]?.message.mayLeave()).toBe(true);
    change();
    expect(posts[0]?.message.mayLeave()).toBe(false);
    await answer({ is: "withheld" });
    expect(told).toEqual(hold.ended ? [] : [["takeBack", [11]]]);
  });

  test("does not leave without a secret, and is tried again after a rest", async () => {
    hasSecret = false;
    await write(11);
    expect([posts.length, told]).toEqual([0, [["takeBack", [11]]]]);
  });
});

describe("the end", () => {
  test("in good order waits for the answer that is under way, and counts it", async () => {
    await write(11);
    connection.end();
    await turn();
    expect(posts[0]?.stop.aborted).toBe(false);
    await answer({ is: "delivered" });
    await connection.closed;
    expect(told).toEqual([["accepted", [11]]]);
  });

  test("at once breaks off what is under way", async () => {
    await write(11);
    connection.reset();
    await connection.closed;
    expect(posts[0]?.stop.aborted).toBe(true);
    await write(12);
    expect(posts).toHaveLength(1);
  });

  test("at once, of many in a row, says nothing about the host", async () => {
    for (let n = 0; n < 5; n += 1) {
      hold.ended = false;
      connection = connect();
      await write(11);
      hold.ended = true;
      connection.reset();
      await answer({ is: "failed", reason: "broken off", isAway: true });
    }
    expect([posts.length, told]).toEqual([5, []]);
  });
});
