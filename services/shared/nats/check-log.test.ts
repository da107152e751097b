import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Child, startChild } from "#test/support/child.ts";
import { freePort } from "#test/support/ports.ts";
import { takesConnections } from "#test/support/takes-connections.ts";
import { waitFor } from "#test/support/wait.ts";
import { createLogCheck } from "./check-log.ts";

const INFO = JSON.stringify({ type: "io.nats.jetstream.api.v1.account_info_response", streams: 0, consumers: 0 });
const AWAY = JSON.stringify({
  error: { code: 503, err_code: 10008, description: "JetStream system temporarily unavailable" },
});

let server: Child;
let port: number;

/** A server without JetStream: the test answers in its place. */
beforeAll(async () => {
  port = await freePort();
  server = startChild("nats-server", ["-a", "127.0.0.1", "-p", `${port}`], {});
  await waitFor("nats-server takes connections", () => takesConnections(server, port));
});
afterAll(() => server.end("SIGKILL"));

async function openBus() {
  const stack = new AsyncDisposableStack();
  const [nats, jetStream] = await Promise.all([connect({ port }), connect({ port })]);
  stack.defer(async () => void (await Promise.all([nats.close(), jetStream.close()])));
  const answers: string[] = [];
  let questions = 0;
  jetStream.subscribe("$JS.API.INFO", {
    callback: (_, message) => {
      questions += 1;
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer !== "") message.respond(answer);
    },
  });
  await jetStream.flush();
  return {
    nats,
    /** What is answered in turn, the last of it ever after; nothing at all where it is empty. */
    answerWith: (...next: string[]) => void answers.splice(0, answers.length, ...next),
    questions: () => questions,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test("what JetStream says is a reason as long as it says so", async () => {
  await using bus = await openBus();
  const look = createLogCheck(bus.nats);
  bus.answerWith(INFO, AWAY, INFO);
  expect(await look()).toBeUndefined();
  expect(await look()).toContain("JetStream system temporarily unavailable");
  expect(await look()).toBeUndefined();
});

test("a question that was lost is no reason by itself, and keeps no later answer from counting", async () => {
  await using bus = await openBus();
  const look = createLogCheck(bus.nats);
  bus.answerWith(AWAY, "", INFO);
  expect(await look()).toContain("temporarily unavailable");
  expect(await look()).toContain("temporarily unavailable");
  expect(await look()).toBeUndefined();
  expect(bus.questions()).toBe(3);
});

test("a JetStream that is silent is a reason, until it answers", async () => {
  await using bus = await openBus();
  const look = createLogCheck(bus.nats, { silentMs: 1_500 });
  bus.answerWith("");
  expect(await look()).toBeUndefined();
  const fault = await waitFor("silence is a reason", () => look());
  expect(fault).toContain("JetStream does not answer this user (timeout)");
  bus.answerWith(INFO);
  expect(await look()).toBeUndefined();
});
