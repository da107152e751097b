import { afterAll, beforeAll, expect, test } from "vitest";
import { CONNECTIONS_STREAM, type ConnectionEntry, connectionEntrySchema } from "#shared/contract/connection-log.ts";
import {
  ASK_EDGES,
  type EdgeAnswer,
  edgeAnswerSchema,
  type EdgeQuestion,
  type OpenConnection,
} from "#shared/contract/edge-questions.ts";
import { COMMON_FIELDS, ERROR_FIELDS, LINE_FIELDS } from "#shared/log/line-fields.ts";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const STREAMS = 16;
const TRACE = "a1".repeat(16);

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

test("who was connected when is kept: the beginning of a stream, its topics as its rights change, and its end", async () => {
  const { access_token } = await stack.login("alice");
  const headers = {
    "user-agent": "x".repeat(1_000),
    "x-request-id": "case-1",
    traceparent: `00-${TRACE}-${"b".repeat(16)}-01`,
  };
  const url = `${stack.streamUrl}/v1/stream?topic=issues.>&topic=push.>`;
  const stream = await openEventStream(url, { token: access_token, headers });
  const connectionId = await idOf(stream);
  const granted = (frame: { event: string; data: string }): boolean =>
    frame.event === "subscription" && frame.data.includes('{"topic":"push.>","granted":true}');
  await stack.setRoles("alice", ["maintainer"]);
  await stream.frame(granted);
  const demo = await stack.bus("demo");
  await demo.publish("events.demo.push.event.k", "seen");
  await stream.receive(1);
  await stream[Symbol.asyncDispose]();

  const entries = await waitFor("the end is kept", async () => {
    const kept = (await readEntries("alice")).filter((entry) => entry.connectionId === connectionId);
    return kept.at(-1)?.event === "ended" && kept;
  });
  expect(entries).toMatchObject([
    {
      event: "opened",
      tenant: "demo",
      subject: "alice",
      requestId: "case-1",
      traceId: TRACE,
      address: "127.0.0.1",
      userAgent: "x".repeat(256),
      topics: [{ topic: "issues.>" }, { topic: "push.>", granted: false }],
      isResumed: false,
    },
    { event: "changed", topics: [{ topic: "issues.>" }, { topic: "push.>", granted: true }] },
    { event: "ended", reason: "gone", events: 1 },
  ]);
  const [, change, end] = entries;
  expect(seqIn(end, "through")).toBe(seqIn(change, "from") + 1);
  expect(stack.edge.child.output()).not.toContain("were not stored");
});

test("the id of an answer leads to the lines of each service, and each field of each line is in the reference", async () => {
  const headers = { "x-request-id": "case-2", "content-type": "application/json" };
  const publisher = await stack.startPublish();
  const asked: [RunningService, string][] = [
    [stack.auth, `${stack.authUrl}/v1/auth/login`],
    [stack.policy, `${stack.policyUrl}/v1/tenants/demo/policy`],
    [stack.edge, `${stack.streamUrl}/v1/stream`],
    [publisher, `http://127.0.0.1:${publisher.ports.http}/v1/events`],
  ];
  for (const [service, url] of asked) {
    const method = service === stack.auth || service === publisher ? "POST" : "GET";
    const answer = await fetch(url, { method, headers: { ...headers, "x-sluice-client": "test" } });
    expect(answer.headers.get("x-request-id")).toBe("case-2");
    const about = await waitFor(`a line of ${url}`, () =>
      linesOf(service).find(({ requestId }) => requestId === "case-2"),
    );
    expect(about).toMatchObject({ msg: "refused", "client.address": "127.0.0.1", "error.type": expect.any(String) });
  }
  const names = new Set(asked.flatMap(([service]) => linesOf(service).flatMap((line) => Object.keys(line))));
  const known = new Set<string>([...COMMON_FIELDS, ...ERROR_FIELDS, ...Object.values(LINE_FIELDS)]);
  expect([...names].filter((name) => !known.has(name))).toEqual([]);
  const beginnings = linesOf(stack.edge).filter(({ msg }) => msg === "a stream was opened");
  expect(beginnings.find(({ requestId }) => requestId === "case-1")).toMatchObject({
    trace_id: TRACE,
    "user.id": "alice",
    "session.id": expect.any(String),
    "service.instance.id": expect.any(String),
    caughtUpEntries: 0,
  });
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
  const options = { strategy: "count", maxMessages: 2, maxWait: 30_000 } as const;
  const answers: EdgeAnswer[] = [];
  for await (const answer of await policy.connection.requestMany(ASK_EDGES, text, options)) {
    answers.push(edgeAnswerSchema.parse(answer.json()));
  }
  return answers;
}

/** A person's entries of the connection log, in their order. */
async function readEntries(subject: string): Promise<ConnectionEntry[]> {
  const { streams } = await policy.manager();
  const { last_seq: last } = (await streams.info(CONNECTIONS_STREAM)).state;
  const messages = Array.from({ length: last }, (_, index) =>
    streams.getMessage(CONNECTIONS_STREAM, { seq: index + 1 }),
  );
  const entries = (await Promise.all(messages)).map((message) => connectionEntrySchema.parse(message?.json()));
  return entries.filter((entry) => entry.subject === subject);
}

function seqIn(entry: object | undefined, name: string): number {
  return Number(String((entry as Record<string, unknown>)[name]).split(".")[1]);
}

function linesOf({ child }: RunningService): Record<string, unknown>[] {
  const lines = child.output().split("\n");
  return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Record<string, unknown>);
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
