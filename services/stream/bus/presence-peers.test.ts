import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentObserver } from "#test/rigs/silent-observer.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";
import type { Interest, PeerAnswers } from "../presence/ports.ts";
import type { PresenceNews } from "../presence/presence-news.ts";
import type { PresenceAnswer, PresenceQuestion } from "../presence/presence-question.ts";
import { createQuestionPeers, createWatchPeers } from "./presence-peers.ts";

const QUESTION: PresenceQuestion = { tenant: "acme", topic: "order.*.42", wants: "people", after: "", limit: 10 };
const ANSWER: PresenceAnswer = {
  people: [{ subject: "jane@acme.com", sinceMs: 1_700_000_000_000, devices: 2 }],
  hasMore: true,
  devices: 2,
  marks: "AbCd-_09",
  topics: ["order.>"],
};
const NEWS: PresenceNews = {
  run: "r",
  seq: 3,
  isWhole: true,
  isListed: true,
  joined: [["jane@acme.com", 5]],
  left: ["日本"],
  devices: 1,
};
const TOPIC = { tenant: "acme", topic: "order.*.42" };

let server: NatsServer;
let nats: NatsConnection;
let other: NatsConnection;

beforeAll(async () => {
  server = await startNats();
  [nats, other] = await Promise.all([connectAs(server, "stream"), connectAs(server, "stream")]);
});
afterAll(async () => {
  await Promise.all([nats.close(), other.close()]);
  await server[Symbol.asyncDispose]();
});

function questionsAt(bus: NatsConnection, workerId: string, observer = silentObserver()) {
  return createQuestionPeers({ nats: bus, workerId, observer });
}

const watchingAt = (bus: NatsConnection, workerId: string) =>
  createWatchPeers({ nats: bus, workerId, observer: silentObserver() });

const enough = (count: number) => (answers: PeerAnswers) => answers.size >= count;

/** Asks until so many have answered within the second that they have: on a busy machine that is short. */
function untilGathered(count: number, question = QUESTION): Promise<PeerAnswers> {
  return waitFor(`${count} answer`, async () => {
    const answers = await questionsAt(nats, "w1").gather(question, enough(count));
    return answers.size >= count && answers;
  });
}

/** Answers questions with that text, as no worker of ours would. */
function answerStrangely(...texts: readonly string[]): Disposable {
  const subscription = other.subscribe("presence.ask", {
    callback: (_, message) => {
      for (const text of texts) message.respond(text);
    },
  });
  return { [Symbol.dispose]: () => subscription.unsubscribe() };
}

describe("a question", () => {
  test("comes to every other worker as it was asked, and their answers come back by worker", async () => {
    const heard: PresenceQuestion[] = [];
    using _two = questionsAt(other, "w2").serve(async (question) => (heard.push(question), ANSWER));
    using _three = questionsAt(other, "w3").serve(async () => ({ ...ANSWER, devices: 7 }));
    using _own = questionsAt(nats, "w1").serve(() => Promise.reject(new Error("a worker does not ask itself")));
    await Promise.all([nats.flush(), other.flush()]);
    const answers = await untilGathered(2, { ...QUESTION, subject: "a b" });
    expect(answers).toEqual(
      new Map([
        ["w2", ANSWER],
        ["w3", { ...ANSWER, devices: 7 }],
      ]),
    );
    for (const question of heard) expect(question).toEqual({ ...QUESTION, subject: "a b" });
  });

  test("is given up after a second with the answers that came", async () => {
    using _two = questionsAt(other, "w2").serve(async () => ANSWER);
    using _late = questionsAt(other, "w3").serve(() => new Promise(() => {}));
    await other.flush();
    const given = await waitFor("the other answers in time", async () => {
      const answers = await questionsAt(nats, "w1").gather(QUESTION, enough(2));
      return answers.size > 0 && answers;
    });
    expect([...given.keys()]).toEqual(["w2"]);
  });

  test("that cannot be answered is a fault where it is asked, and silence elsewhere", async () => {
    const faults: unknown[] = [];
    const observer = silentObserver({ fault: (fault) => void faults.push(fault) });
    using _two = questionsAt(other, "w2", observer).serve(() => Promise.reject(new Error("broken")));
    using _three = questionsAt(other, "w3").serve(async () => ANSWER);
    await other.flush();
    expect((await untilGathered(1)).size).toBe(1);
    await waitFor("the fault is told", () => faults.length > 0);
  });

  test("of a bus that is closed has no answers", async () => {
    const gone = await connectAs(server, "stream");
    await gone.close();
    expect(await questionsAt(gone, "w1").gather(QUESTION, enough(1))).toEqual(new Map());
  });
});

test("answers that are none are passed over, and the first in a worker's name counts", async () => {
  const lies = [
    "",
    "null",
    "{",
    JSON.stringify({ from: "w9" }),
    JSON.stringify({ ...ANSWER, from: "w9.>" }),
    JSON.stringify({ ...ANSWER, from: "w9", devices: -1 }),
    JSON.stringify({ ...ANSWER, from: "w9", marks: "short" }),
    JSON.stringify({ ...ANSWER, from: "w9", topics: ["a..b"] }),
    JSON.stringify({ ...ANSWER, from: "w9", people: [{ ...ANSWER.people[0], subject: "a\u0000" }] }),
    JSON.stringify({ ...ANSWER, from: "w9", people: [{ ...ANSWER.people[0], sinceMs: "now" }] }),
    JSON.stringify({ ...ANSWER, from: "w9", people: Array(501).fill(ANSWER.people[0]) }),
    // In the name of the asker itself.
    JSON.stringify({ ...ANSWER, from: "w1" }),
    JSON.stringify({ ...ANSWER, from: "w2" }),
    JSON.stringify({ ...ANSWER, from: "w2", devices: 99 }),
    // A later edge may say more.
    JSON.stringify({ ...ANSWER, from: "w3", more: 1, people: ANSWER.people.map((person) => ({ ...person, more: 1 })) }),
  ];
  using _lying = answerStrangely(...lies);
  await other.flush();
  expect(await untilGathered(2)).toEqual(
    new Map([
      ["w2", ANSWER],
      ["w3", ANSWER],
    ]),
  );
});

test("questions that are none are answered by nobody, and hurt nobody", async () => {
  using _two = questionsAt(other, "w2").serve(async () => ANSWER);
  await other.flush();
  for (const body of [
    "",
    "[]",
    JSON.stringify({ ...QUESTION, from: "w1", limit: 501 }),
    JSON.stringify({ ...QUESTION, from: "w1", tenant: "*" }),
  ])
    nats.publish("presence.ask", body, { reply: "_INBOX.stream.nobody" });
  expect((await questionsAt(nats, "w1").gather(QUESTION, enough(1))).size).toBe(1);
});

describe("news", () => {
  test("of a topic come to those who watch it, and to no others; a worker's own do not come back", async () => {
    const heard: [string, PresenceNews][] = [];
    using _same = watchingAt(other, "w2").follow(TOPIC, (...told) => void heard.push(told));
    using _other = watchingAt(other, "w2").follow({ ...TOPIC, topic: "order.*" }, (...told) => void heard.push(told));
    using _tenant = watchingAt(other, "w2").follow({ ...TOPIC, tenant: "rival" }, (...told) => void heard.push(told));
    using _own = watchingAt(nats, "w1").follow(TOPIC, (...told) => void heard.push(told));
    await Promise.all([nats.flush(), other.flush()]);
    watchingAt(nats, "w1").publish(TOPIC, NEWS);
    watchingAt(nats, "w1").publish(TOPIC, { ...NEWS, seq: 4, isWhole: false });
    await waitFor("both are heard", () => heard.length === 2);
    expect(heard).toEqual([
      ["w1", NEWS],
      ["w1", { ...NEWS, seq: 4, isWhole: false }],
    ]);
  });

  test("that are none are passed over", async () => {
    const heard: PresenceNews[] = [];
    using _watching = watchingAt(other, "w2").follow(TOPIC, (_, news) => void heard.push(news));
    const subject = await new Promise<string>((resolve) => {
      const spy = other.subscribe("presence.news.>", {
        callback: (_, message) => (spy.unsubscribe(), resolve(message.subject)),
      });
      void other.flush().then(() => watchingAt(nats, "w1").publish(TOPIC, NEWS));
    });
    for (const lie of [
      {},
      { ...NEWS, seq: -1 },
      { ...NEWS, joined: [["a"]] },
      { ...NEWS, left: Array(201).fill("a") },
      { ...NEWS, run: 5 },
    ])
      nats.publish(subject, JSON.stringify({ from: "w1", ...lie }));
    nats.publish(subject, "\u0000");
    watchingAt(nats, "w1").publish(TOPIC, { ...NEWS, seq: 9 });
    await waitFor("the last are heard", () => heard.length === 2);
    expect(heard.map(({ seq }) => seq)).toEqual([3, 9]);
  });
});

test("what is watched is heard by the others as it was said", async () => {
  const heard: Interest[] = [];
  using _two = watchingAt(other, "w2").serve((interest) => void heard.push(interest));
  using _own = watchingAt(nats, "w1").serve((interest) => void heard.push(interest));
  await Promise.all([nats.flush(), other.flush()]);
  const interest: Interest = { ...TOPIC, known: { w2: { run: "r", seq: 4 } } };
  nats.publish("presence.watch", JSON.stringify({ ...interest, from: "w1", topic: "one" }));
  watchingAt(nats, "w1").ask(interest);
  await waitFor("it is heard", () => heard.length === 1);
  expect(heard).toEqual([interest]);
});
