import { afterEach, beforeEach, expect, test } from "vitest";
import { edgeAnswerSchema, type EdgeNode, type EdgeQuestion } from "#shared/contract/edge-questions.ts";
import { createRig, type EdgeRig } from "#test/rigs/edge-rig.ts";
import { answerQuestion, type QuestionDeps } from "./answer-question.ts";

const NODE: EdgeNode = {
  version: "1",
  host: "h",
  pid: 1,
  upForSeconds: 1,
  streams: 1,
  maxStreams: 10,
  feeds: 1,
  loopDelayP99Ms: 0,
  heapBytes: 1,
  rssBytes: 1,
  cpuShare: 0,
  isDraining: false,
  overloadStep: null,
};

let rig: EdgeRig;
beforeEach(() => void (rig = createRig({ places: 40 })));
afterEach(() => rig[Symbol.asyncDispose]());

test("an open stream is told with its person, its client, its place in the log and what was written to it", async () => {
  const client = await rig.open("topic=order.>&client=tab-1");
  rig.event("one");
  await client.allWritten();
  const answered = await ask({ ask: "connections", after: "", limit: 10 });
  expect(answered).toMatchObject({
    hasMore: false,
    connections: [
      {
        id: "w-1",
        requestId: "request-1",
        tenant: "acme",
        subject: "alice",
        sid: "session-1",
        transport: "sse",
        client: "tab-1",
        subscription: null,
        address: "192.0.2.7",
        userAgent: "test/1",
        topics: [{ topic: "order.>", granted: true }],
        state: "live",
        waitsFor: null,
        lastId: "first-epoch.2.t2",
        horizon: "first-epoch.2.t2",
        events: 1,
        idle: false,
      },
    ],
  });
  expect(answered).toMatchObject({ connections: [{ bytes: Buffer.byteLength(client.raw()) }] });
});

test("a page ends before it is longer than a message of the bus may be, and the next goes on behind it", async () => {
  const topics = Array.from({ length: 100 }, (_, n) => `topic=order.${n}.${"t".repeat(500)}`).join("&");
  for (let opened = 0; opened < 20; opened += 1) await rig.open(topics);
  const told: string[] = [];
  let pages = 0;
  for (let [after, hasMore] = ["", true]; hasMore; pages += 1) {
    const page = await ask({ ask: "connections", after, limit: 500 });
    if (!("connections" in page)) throw new Error("a page was asked for");
    expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(1024 * 1024);
    told.push(...page.connections.map(({ id }) => id));
    [after, hasMore] = [told.at(-1) ?? "", page.hasMore];
  }
  expect(pages).toBeGreaterThan(1);
  expect(told).toEqual(told.toSorted());
  expect(new Set(told).size).toBe(20);
});

test("a stream that is closed tells its client to come back; another tenant's question closes none", async () => {
  const client = await rig.open();
  expect(await ask({ ask: "close", tenant: "other", connectionId: "w-1" })).toEqual({ closed: false });
  expect(await ask({ ask: "close", tenant: "acme", connectionId: "w-2" })).toEqual({ closed: false });
  expect(await ask({ ask: "close", tenant: "acme", connectionId: "w-1" })).toEqual({ closed: true });
  await client.ended();
  expect(client.raw()).toMatch(/event: bye\ndata: \{"reason":"closed","retryMs":[1-9]\d{3}\}/);
});

test("how the worker is, and whom events reached, is what it measures and counts", async () => {
  expect(await ask({ ask: "nodes" })).toEqual({ node: NODE });
  const client = await rig.open();
  rig.event("seen");
  await client.allWritten();
  expect(await ask({ ask: "reach", tenant: "acme", epoch: "first-epoch", seqs: [2, 3] })).toEqual({
    reach: [{ seq: 2, reached: 1, denied: 0, behind: 0, connected: 1, isWithoutRule: false }],
  });
});

/** The answer, in the form that the contract asks for. */
async function ask(question: EdgeQuestion) {
  const deps: QuestionDeps = {
    ...rig.edge,
    wallOf: (ms) => ms,
    describeNode: () => NODE,
    readClients: () => ({ seconds: 60, rows: [] }),
    describeDelivering: () => ({ expiresSeconds: 1, archivesSeconds: 2, hosts: [] }),
    carryOut: async ({ name }) => ({ record: name }),
  };
  const answered = await answerQuestion(question, deps);
  expect(edgeAnswerSchema.safeParse({ from: "w", ...answered }).error).toBeUndefined();
  return answered;
}
