import { once } from "node:events";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { eventAt } from "#test/rigs/event-entry.ts";
import type { Position } from "../../event.ts";
import { encodeControl, encodeEvent, type FrameFormat, heartbeatOf } from "../../frames/encode-frame.ts";
import { PollConnection, type PollOptions } from "./poll-connection.ts";

const FORMAT: FrameFormat = { body: "raw", naming: "message", framing: "ndjson" };
const READY = encodeControl(FORMAT, "cursor", "", { id: "epoch-of-log.1.t" });
const CURSOR = encodeControl(FORMAT, "cursor", "", { id: "epoch-of-log.9.t" });
const REVOKED = encodeControl(FORMAT, "auth_error", { reason: "revoked" });
const ANSWERED = { event: "cursor", reason: "answered" } as const;
const CAME_WITH = "epoch-of-log.1.t";

interface Answer {
  readonly frames: readonly { readonly event?: string; readonly data: string }[];
  readonly next: string;
}

let stack: AsyncDisposableStack;
let caughtUp: boolean;
/** How often the connection has said that its answer is complete. */
let completed: number;

beforeEach(() => {
  [stack, caughtUp, completed] = [new AsyncDisposableStack(), true, 0];
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await stack.disposeAsync();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A poll's connection, and what its client is answered. */
async function open(options: Partial<PollOptions> = {}) {
  const server = createServer().listen(0, "127.0.0.1");
  stack.defer(() => void server.close());
  await once(server, "listening");
  const asked = once(server, "request") as Promise<[unknown, ServerResponse]>;
  const asking = get({ port: (server.address() as AddressInfo).port, agent: false });
  const answer = (async () => {
    const [response] = (await once(asking, "response")) as [IncomingMessage];
    return JSON.parse(await text(response)) as Answer;
  })();
  answer.catch(() => {});
  const [, response] = await asked;
  const connection = new PollConnection(response, {
    waitMs: 60_000,
    lastEventId: CAME_WITH,
    connectionId: "w-1",
    now: () => performance.now(),
    isCaughtUp: () => caughtUp,
    complete: () => {
      completed += 1;
      connection.end(CURSOR, ANSWERED);
    },
    ...options,
  });
  return { connection, answer, leave: () => asking.destroy() };
}

const eventOf = (seq: number, bytes = 1): Buffer =>
  encodeEvent("acme", "epoch-of-log", { ...eventAt(seq), payload: Buffer.alloc(bytes, "x") }, FORMAT);
const at = (...seqs: number[]): Position[] => seqs.map((seq) => ({ seq, tag: "t" }));

describe("a poll that goes on", () => {
  test("is complete a moment after its first event, with what came meanwhile", async () => {
    const { connection, answer } = await open();
    connection.write(READY);
    await pass(10_000);
    connection.write(eventOf(2), at(2));
    connection.writeCoded(eventOf(3));
    await pass(20);
    expect((await answer).frames).toHaveLength(4);
    expect((await answer).next).toBe("epoch-of-log.9.t");
    expect([completed, connection.writable]).toEqual([1, false]);
  });

  test("gathers events for half a second where it has just begun", async () => {
    const { connection } = await open();
    connection.write(eventOf(2), at(2));
    await pass(499);
    expect(completed).toBe(0);
    await pass(1);
    expect(completed).toBe(1);
  });

  test("waits on for what is no news: a cursor, a heartbeat, the beginning of its stream", async () => {
    const { connection } = await open({ waitMs: 25_000 });
    const ready = Buffer.from('{"event":"ready","id":"epoch-of-log.1.t","data":"{}"}\n');
    for (const frame of [ready, heartbeatOf(FORMAT), CURSOR]) connection.write(frame);
    await pass(24_999);
    expect(completed).toBe(0);
    await pass(1);
    expect(completed).toBe(1);
  });

  test("is complete at once when it is full, and takes no more", async () => {
    const { connection } = await open();
    connection.write(eventOf(2, 256 * 1_024 - 200), at(2));
    expect(connection.writable).toBe(true);
    connection.write(eventOf(3, 200), at(3));
    expect(connection.writable).toBe(false);
    await pass(1);
    expect(completed).toBe(1);
  });

  test("has room for a thousand events", async () => {
    const { connection } = await open();
    connection.write(eventOf(2), at(...Array.from({ length: 999 }, (_, index) => index)));
    expect([connection.room, connection.writable]).toEqual([1, true]);
    connection.write(eventOf(3), at(1_000));
    expect(connection.writable).toBe(false);
  });

  test("waits longer where the end of its log is not reached, and not for ever", async () => {
    caughtUp = false;
    await open({ waitMs: 0 });
    await pass(4_900);
    expect(completed).toBe(0);
    await pass(200);
    expect(completed).toBe(1);
  });

  test("is complete when it has reached the end of its log", async () => {
    caughtUp = false;
    await open({ waitMs: 0 });
    await pass(1_000);
    caughtUp = true;
    await pass(50);
    expect(completed).toBe(1);
  });
});

test("a first poll is complete at once with its position", async () => {
  const { connection, answer } = await open({ lastEventId: undefined });
  connection.write(READY);
  await pass(20);
  expect((await answer).frames).toHaveLength(2);
});

describe("a poll whose right is over", () => {
  test("says so in place of the events that it has gathered, and the client goes on where it was", async () => {
    const { connection, answer } = await open();
    connection.write(READY);
    connection.write(eventOf(2), at(2));
    expect(connection.behind).toBe(true);
    connection.reset(REVOKED);
    connection.write(eventOf(3), at(3));
    const { frames, next } = await answer;
    expect([frames.map(({ event }) => event), next]).toEqual([["auth_error"], CAME_WITH]);
    expect([completed, connection.behind]).toEqual([0, false]);
  });

  test("says so behind what it was told before, where no events wait", async () => {
    const { connection, answer } = await open();
    connection.write(READY);
    expect(connection.behind).toBe(false);
    connection.end(REVOKED, { event: "auth_error", reason: "revoked" });
    expect((await answer).frames.map(({ event }) => event)).toEqual(["cursor", "auth_error"]);
  });
});

describe("a poll that is over", () => {
  test("without a word is broken off", async () => {
    const { connection, answer } = await open();
    connection.reset();
    await expect(answer).rejects.toThrow("socket hang up");
    await connection.closed;
  });

  test("drops what its client has not taken yet where its right ends meanwhile", async () => {
    const { connection, answer } = await open();
    connection.write(eventOf(2, 32 * 1_048_576), at(2));
    connection.end(CURSOR, ANSWERED);
    connection.reset();
    await expect(answer).rejects.toThrow(/aborted|hang up|reset/i);
    await connection.closed;
  });

  test("because its client has left, closes, and is never complete", async () => {
    const { connection, leave } = await open({ waitMs: 50 });
    connection.write(eventOf(2), at(2));
    leave();
    await connection.closed;
    await pass(1_000);
    expect([completed, connection.writable]).toEqual([0, false]);
    await connection.drained();
  });

  test("because it was answered, closes and says how many bytes that were", async () => {
    const { connection, answer } = await open();
    connection.end(CURSOR, ANSWERED);
    await connection.closed;
    expect(connection.bytes).toBe(`${JSON.stringify(await answer)}\n`.length);
  });
});
