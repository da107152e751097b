import { afterAll, beforeAll, expect, test } from "vitest";
import {
  ASK_EDGES,
  type EdgeAnswer,
  edgeAnswerSchema,
  type EdgeQuestion,
  type OpenConnection,
} from "#shared/contract/edge-questions.ts";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";

const STREAMS = 16;

let stack: Stack;
let policy: Bus;
let token: string;

beforeAll(async () => {
  stack = await startStack({ stream: { STREAM_WORKERS: "2" } });
  policy = await stack.bus("policy");
  token = (await stack.login("bob")).access_token;
});
afterAll(() => stack[Symbol.asyncDispose]());

test("both workers say how they are", async () => {
  const nodes = (await ask({ ask: "nodes" })).flatMap((answer) => ("node" in answer ? [answer.node] : []));
  expect(new Set(nodes.map(({ pid }) => pid)).size).toBe(2);
  for (const node of nodes) expect(node).toMatchObject({ isDraining: false, maxStreams: expect.any(Number) as number });
});

test("all workers together tell of every open stream, and the operations port tells the same", async () => {
  const streams = await Promise.all(Array.from({ length: STREAMS }, () => open()));
  const ids = (await Promise.all(streams.map(idOf))).toSorted();
  const answers = await ask({ ask: "connections", tenant: "demo", subject: "bob", after: "", limit: 500 });
  const told = answers.flatMap((answer) => ("connections" in answer ? answer.connections : []));
  expect(told.map(({ id }) => id).toSorted()).toEqual(ids);
  expect(new Set(told.map(({ id }) => id.split("-")[0])).size).toBe(2);
  expect(told[0]).toMatchObject({ address: "127.0.0.1", userAgent: "operators-test", client: null });

  const page = await fetch(`http://127.0.0.1:${stack.edge.ports.ops}/debug/connections`);
  const described = (await page.json()) as OpenConnection[];
  expect(described.map(({ id }) => id).toSorted()).toEqual(ids);
  expect(Object.keys(described[0] ?? {})).toEqual(Object.keys(told[0] ?? {}));
  await Promise.all(streams.map((stream) => stream[Symbol.asyncDispose]()));
});

test("the worker that has a stream closes it, and its client is told when to come back", async () => {
  await using stream = await open();
  const connectionId = await idOf(stream);
  const answers = await ask({ ask: "close", tenant: "demo", connectionId });
  expect(answers.filter((answer) => "closed" in answer && answer.closed)).toHaveLength(1);
  const goodbye = JSON.parse((await stream.frame("bye")).data) as { reason: string; retryMs: number };
  expect(goodbye).toMatchObject({ reason: "closed" });
  expect(goodbye.retryMs).toBeGreaterThanOrEqual(1_000);
});

test("a question that is none is answered as such", async () => {
  for (const text of ["", "{", "null", '{"ask":"everything"}', '{"ask":"nodes","more":1}', "x".repeat(200_000)]) {
    expect(await gather(text)).toMatchObject([{ unknown: true }, { unknown: true }]);
  }
});

function ask(question: EdgeQuestion): Promise<EdgeAnswer[]> {
  return gather(JSON.stringify(question));
}

/** The answers of both workers, each as the contract has it. */
async function gather(text: string): Promise<EdgeAnswer[]> {
  const options = { strategy: "count", maxMessages: 2, maxWait: 10_000 } as const;
  const answers: EdgeAnswer[] = [];
  for await (const answer of await policy.connection.requestMany(ASK_EDGES, text, options)) {
    answers.push(edgeAnswerSchema.parse(answer.json()));
  }
  return answers;
}

async function open(): Promise<EventStream> {
  const headers = { "user-agent": "operators-test" };
  const stream = await openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>`, { token, headers });
  await stream.frame("ready");
  return stream;
}

async function idOf(stream: EventStream): Promise<string> {
  return (JSON.parse((await stream.frame("ready")).data) as { connectionId: string }).connectionId;
}
