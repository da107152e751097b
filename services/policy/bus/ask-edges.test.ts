import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ASK_EDGES, type EdgeQuestion, type OpenConnection } from "#shared/contract/edge-questions.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { openBus } from "#test/support/start-stack.ts";
import { openConnection } from "#test/rigs/open-connection.ts";
import type { Edges } from "../edges/edges.ts";
import { createEdges } from "./ask-edges.ts";

const EVERYTHING = { ask: "connections", tenant: "acme", after: "", limit: 2 } as const;

let server: NatsServer;
let policy: NatsConnection;
let edge: NatsConnection;
let wall = 0;

beforeAll(async () => {
  server = await startNats();
  policy = (await openBus(server.url("policy"), "policy")).connection;
  edge = (await openBus(server.url("stream"), "stream")).connection;
});
afterEach(() => void (wall = 0));
afterAll(async () => {
  await Promise.all([policy.close(), edge.close()]);
  await server[Symbol.asyncDispose]();
});

/** The edges as policy has not asked them yet. */
function newEdges(deadlineMs = 300): Edges {
  return createEdges({ nats: policy, now: () => wall, deadlineMs });
}

/** Workers that answer as they are told; undefined: they are silent. */
async function workers(...answer: ((question: EdgeQuestion) => unknown)[]): Promise<AsyncDisposable> {
  const subscriptions = answer.map((each) =>
    edge.subscribe(ASK_EDGES, {
      callback: (_, message: Msg) => {
        const said = each(message.json());
        if (said !== undefined) message.respond(typeof said === "string" ? said : JSON.stringify(said));
      },
    }),
  );
  await edge.flush();
  return {
    async [Symbol.asyncDispose]() {
      for (const each of subscriptions) each.unsubscribe();
      await edge.flush();
    },
  };
}

const holding =
  (from: string, ...connections: readonly OpenConnection[]) =>
  () => ({ from, connections, hasMore: false });

test("all workers answer one question, and each answer is its worker's", async () => {
  const [one, two] = [openConnection({ id: "w1-a" }), openConnection({ id: "w2-a" })];
  await using _workers = await workers(holding("w1", one), holding("w2", two));
  const { answers, partial } = await newEdges().ask(EVERYTHING);
  expect(answers.flatMap(({ connections }) => connections).toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
    one,
    two,
  ]);
  expect(partial).toBe(false);
});

test("a worker that hangs is missed until it has been silent for so long that it has ended", async () => {
  const edges = newEdges();
  let isHanging = false;
  await using _workers = await workers(holding("w1"), () => (isHanging ? undefined : holding("w2")()));
  expect((await edges.ask(EVERYTHING)).partial).toBe(false);
  isHanging = true;
  expect(await edges.ask(EVERYTHING)).toMatchObject({ answers: [{ from: "w1" }], partial: true });
  wall = 30_001;
  await edges.ask(EVERYTHING);
  expect(await edges.ask(EVERYTHING)).toMatchObject({ answers: [{ from: "w1" }], partial: false });
});

test("without any edge there is no answer, and none is missing; of edges that are all silent some are", async () => {
  expect(await newEdges(30_000).ask({ ask: "nodes" })).toEqual({ answers: [], partial: false });
  await using _workers = await workers(() => undefined);
  expect(await newEdges().ask({ ask: "nodes" })).toEqual({ answers: [], partial: true });
});

test("a worker that lies or says what makes no sense is not believed, and missing", async () => {
  const said: unknown[] = [
    holding("another-tenants", openConnection({ id: "w2-a", tenant: "rival" }))(),
    holding("too-many", ...["a", "b", "c"].map((id) => openConnection({ id })))(),
    { ...holding("more-behind-nothing")(), hasMore: true },
    { ...holding("disordered", ...["b", "a"].map((id) => openConnection({ id })))(), hasMore: true },
    holding("twice-the-same", openConnection({ id: "a" }), openConnection({ id: "a" }))(),
    { from: "another-question", closed: true },
    { from: "older", unknown: true },
    "{",
  ];
  const edges = newEdges();
  await using _workers = await workers(holding("w1"), ...said.map((each) => () => each));
  const { answers, partial } = await edges.ask(EVERYTHING);
  expect(answers.map(({ from }) => from)).toEqual(["w1"]);
  expect(partial).toBe(true);
});

test("what a worker of a later release says beside its answer is passed over", async () => {
  await using _workers = await workers(() => ({ ...holding("w1")(), more: 1 }));
  expect(await newEdges().ask(EVERYTHING)).toMatchObject({ answers: [{ from: "w1" }], partial: false });
});

test("a worker that is asked by name alone is waited for, and no other answers for it", async () => {
  const command = { do: "resume" } as const;
  const question = { ask: "subscription", worker: "w2", tenant: "acme", subject: "s", name: "n", command } as const;
  const done = (from: string) => (asked: EdgeQuestion) =>
    asked.ask === "subscription" ? { from, carriedOut: { record: null } } : undefined;
  await using _liar = await workers(done("w1"));
  expect(await newEdges(60).ask(question)).toEqual({ answers: [], partial: true });
  await using _named = await workers(done("w2"));
  expect(await newEdges(60_000).ask(question)).toMatchObject({ answers: [{ from: "w2" }] });
});

test("an event that was not asked about is no answer", async () => {
  const reach = [{ seq: 8, reached: 1, denied: 0, behind: 0, connected: 1, isWithoutRule: false }];
  await using _workers = await workers(() => ({ from: "w1", reach }));
  const question = { ask: "reach", tenant: "acme", epoch: "e" } as const;
  expect(await newEdges().ask({ ...question, seqs: [7] })).toEqual({ answers: [], partial: true });
  expect(await newEdges().ask({ ...question, seqs: [7, 8] })).toEqual({
    answers: [{ from: "w1", reach }],
    partial: false,
  });
});

test("of two answers in one worker's name the first counts, and who asked is told that something is missing", async () => {
  await using _workers = await workers(holding("w1", openConnection({ id: "w1-a" })), holding("w1"));
  const { answers, partial } = await newEdges().ask(EVERYTHING);
  expect(answers).toHaveLength(1);
  expect(partial).toBe(true);
});

test("a flood of answers is not read to its end", async () => {
  const subscription = edge.subscribe(ASK_EDGES, {
    callback: (_, message) => {
      for (let i = 0; i < 400; i += 1) message.respond(JSON.stringify({ from: `w${i}`, closed: false }));
    },
  });
  await edge.flush();
  const { answers, partial } = await newEdges().ask({ ask: "close", tenant: "acme", connectionId: "w1-a" });
  expect([answers.length, partial]).toEqual([256, true]);
  subscription.unsubscribe();
  await edge.flush();
});

test("the worker that has the stream has the last word", async () => {
  await using _workers = await workers(
    () => undefined,
    () => ({ from: "w2", closed: true }),
  );
  const edges = newEdges();
  const question = { ask: "close", tenant: "acme", connectionId: "w2-a" } as const;
  expect(await edges.ask(question)).toEqual({ answers: [{ from: "w2", closed: true }], partial: false });
});

test("a bus that is out of reach is told, and no edge taken for gone", async () => {
  const away = await openBus(server.url("policy"), "policy");
  await away.connection.close();
  await expect(
    createEdges({ nats: away.connection, now: () => 0, deadlineMs: 300 }).ask({ ask: "nodes" }),
  ).rejects.toMatchObject({
    code: "unavailable",
  });
});
