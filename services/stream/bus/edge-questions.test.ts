import { expect, test } from "vitest";
import { ASK_EDGES, type EdgeAnswer, type EdgeQuestion } from "#shared/contract/edge-questions.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";
import { serveQuestions } from "./edge-questions.ts";

/** One that is being answered, and those that wait. */
const KEPT = 1 + 32;

test("of a flood of questions a worker keeps so many, answers them one after the other, and then the next ones", async () => {
  await using server = await startNats();
  const [nats, policy] = await Promise.all([connectAs(server, "stream"), connectAs(server, "policy")]);
  const held = Promise.withResolvers<void>();
  let [under, most, asked] = [0, 0, 0];
  const answer = async () => {
    [under, asked] = [under + 1, asked + 1];
    most = Math.max(most, under);
    await held.promise;
    under -= 1;
    return { closed: false };
  };
  const observer = {
    fault: (error: unknown) => {
      throw error;
    },
  };
  using _serving = serveQuestions({ nats, workerId: "w", answer, observer });
  await nats.flush();
  const answers: EdgeAnswer[] = [];
  policy.subscribe("_INBOX.policy.flood", { callback: (_, message) => void answers.push(message.json()) });
  const question = JSON.stringify({ ask: "close", tenant: "acme", connectionId: "w-1" });
  for (let n = 0; n < 200; n += 1) policy.publish(ASK_EDGES, question, { reply: "_INBOX.policy.flood" });
  await policy.flush();
  await waitFor("the first is being answered", () => asked === 1);
  await nats.flush();
  held.resolve();
  await waitFor("what was kept is answered", () => answers.length === KEPT);
  const next = await policy.request(ASK_EDGES, question, { timeout: 30_000 });
  expect(next.json()).toEqual({ from: "w", closed: false });
  expect([answers.length, most, asked]).toEqual([KEPT, 1, KEPT + 1]);
  await Promise.all([nats.close(), policy.close()]);
});

test("a command is carried out by the worker that it names, beside the questions that wait", async () => {
  await using server = await startNats();
  const [nats, policy] = await Promise.all([connectAs(server, "stream"), connectAs(server, "policy")]);
  const held = Promise.withResolvers<{ readonly closed: boolean }>();
  const done: string[] = [];
  const answer = async (question: EdgeQuestion) => {
    if (question.ask !== "subscription") return held.promise;
    done.push(question.name);
    return { carriedOut: { record: null } };
  };
  const observer = { fault: () => {} };
  using _serving = serveQuestions({ nats, workerId: "w", answer, observer });
  await nats.flush();
  const asking = policy.request(ASK_EDGES, JSON.stringify({ ask: "nodes" }), { timeout: 30_000 });
  const command = (worker: string, name: string): string =>
    JSON.stringify({ ask: "subscription", worker, tenant: "t", subject: "s", name, command: { do: "resume" } });
  policy.publish(ASK_EDGES, command("other", "not-ours"));
  const ours = await policy.request(ASK_EDGES, command("w", "ours"), { timeout: 30_000 });
  expect(ours.json()).toEqual({ from: "w", carriedOut: { record: null } });
  expect(done).toEqual(["ours"]);
  held.resolve({ closed: false });
  await asking;
  await Promise.all([nats.close(), policy.close()]);
});
