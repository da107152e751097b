import { describe, expect, test } from "vitest";
import { CLAIMS_OF_KIM } from "#test/rigs/claims.ts";
import { createRig } from "#test/rigs/edge-rig.ts";
import { answeringPeers } from "#test/rigs/presence-bus.ts";
import { waitFor } from "#test/support/wait.ts";
import { identityOf } from "./access/registration.ts";
import { openPresenceQuestions, type PersonsQuestion } from "./ask-presence.ts";
import { READ_PRESENCE } from "./connections/presence/presence-right.ts";
import type { AnswerPresence, Roster } from "./presence/ports.ts";
import type { PresenceAnswer } from "./presence/presence-question.ts";

const NOBODY: PresenceAnswer = { people: [], hasMore: false, devices: 0, marks: "", topics: [] };
const BOB: PresenceAnswer = { ...NOBODY, people: [{ subject: "bob", sinceMs: 5, devices: 1 }], devices: 1 };
const ASKED: PersonsQuestion = {
  identity: identityOf(CLAIMS_OF_KIM),
  permissions: [READ_PRESENCE],
  question: { topic: "order.*.42", wants: "people", after: "", limit: 10 },
};

function setUp(
  roster: Partial<Roster>,
  answers: Parameters<typeof answeringPeers>[0] = {},
  answerHere: AnswerPresence = async () => BOB,
) {
  const rig = createRig();
  const peers = answeringPeers(answers);
  const outcomes: string[] = [];
  const known: Roster = { read: undefined, size: () => 1, ...roster };
  const figures = { asked: (outcome: string) => void outcomes.push(outcome) };
  const questions = openPresenceQuestions({ ...rig.edge, workerId: "w1", peers, answerHere, roster: known, figures });
  return {
    rig,
    peers,
    outcomes,
    ask: (change: Partial<PersonsQuestion> = {}) => questions.askPresence({ ...ASKED, ...change }),
  };
}

const living = (...ids: readonly string[]) => ({ read: async () => new Set(ids) });

describe("an answer", () => {
  test("has the people of every worker", async () => {
    const ann = { ...BOB, people: [{ subject: "ann", sinceMs: 1, devices: 2 }] };
    const { rig, ask, outcomes } = setUp(living("w1", "w2", "w3"), { w2: ann, w3: BOB });
    await using _rig = rig;
    expect(await ask()).toMatchObject({ partial: false, people: [{ subject: "ann" }, { subject: "bob", devices: 2 }] });
    expect(outcomes).toEqual(["whole"]);
  });

  test("is partial where a worker with a lease has not answered, whoever else has", async () => {
    const { rig, ask, outcomes } = setUp(living("w1", "w2", "w3"), { w2: NOBODY, w3: "silent", w4: NOBODY });
    await using _rig = rig;
    expect(await ask()).toMatchObject({ partial: true, people: [{ subject: "bob" }] });
    expect(outcomes).toEqual(["partial"]);
  });

  test("is partial where the leases cannot be read, though as many have answered as there were", async () => {
    const read = () => Promise.reject(new Error("away"));
    const { rig, ask } = setUp({ read, size: () => 2 }, { w2: NOBODY });
    await using _rig = rig;
    expect(await ask()).toMatchObject({ partial: true });
  });

  test("is partial within the second where Redis takes the question and says nothing", async () => {
    const { rig, ask } = setUp({ read: () => new Promise(() => {}) });
    await using _rig = rig;
    expect(await ask()).toMatchObject({ partial: true, people: [{ subject: "bob" }] });
  });

  test("is whole without Redis where as many workers have answered as share the limits", async () => {
    const { rig, ask } = setUp({ size: () => 2 }, { w2: NOBODY });
    await using _rig = rig;
    expect(await ask()).toMatchObject({ partial: false });
    const missing = setUp({ size: () => 3 }, { w2: NOBODY });
    await using _other = missing.rig;
    expect(await missing.ask()).toMatchObject({ partial: true });
  });

  test("of a worker that is alone costs no message", async () => {
    const { rig, ask, peers } = setUp(living("w1"));
    await using _rig = rig;
    expect(await ask()).toMatchObject({ partial: false });
    expect(peers.asked).toBe(0);
  });

  test("to many who ask the same at once is found once", async () => {
    const gate = Promise.withResolvers<ReadonlySet<string>>();
    const { rig, ask, peers } = setUp({ read: () => gate.promise }, { w2: NOBODY });
    await using _rig = rig;
    const asking = Array.from({ length: 20 }, () => ask());
    await waitFor("all may ask", () => rig.auth.asked.length === 20 && [...rig.edge.hub.registered()].length === 0);
    gate.resolve(new Set(["w1", "w2"]));
    await Promise.all(asking);
    expect(peers.asked).toBe(1);
    await ask();
    expect(peers.asked).toBe(2);
  });
});

describe("a question", () => {
  test("is refused to a person whose right does not cover the whole topic, and nobody is asked", async () => {
    const { rig, ask, peers } = setUp(living("w1", "w2"), { w2: NOBODY });
    await using _rig = rig;
    rig.policy.allowed.set(READ_PRESENCE, ["order.*.42"]);
    const about = (topic: string) => ({ question: { ...ASKED.question, topic } });
    expect(await ask(about("order.created.42"))).toMatchObject({ partial: false });
    for (const topic of ["order.created.43", "order.>", "order.*.*", ">"]) {
      await expect(ask(about(topic))).rejects.toMatchObject({
        code: "forbidden",
        message: expect.stringContaining("presence:read"),
      });
    }
    expect(peers.asked).toBe(1);
  });

  test("needs one of the permissions that would do", async () => {
    const { rig, ask } = setUp(living("w1"));
    await using _rig = rig;
    rig.policy.allowed.set(READ_PRESENCE, []);
    await expect(ask()).rejects.toMatchObject({ code: "forbidden" });
    expect(await ask({ permissions: [READ_PRESENCE, "presence:count"] })).toMatchObject({ partial: false });
  });

  test("is refused after the session is revoked, and leaves nobody registered", async () => {
    const { rig, ask } = setUp(living("w1"));
    await using _rig = rig;
    rig.auth.answer = { state: "revoked" };
    await expect(ask()).rejects.toMatchObject({ code: "session_ended" });
    expect([...rig.edge.hub.registered()]).toEqual([]);
  });

  test("is put off where its person has their share under way, and another person's or tenant's is not", async () => {
    const gate = Promise.withResolvers<PresenceAnswer>();
    const { rig, ask } = setUp({}, {}, () => gate.promise);
    await using _rig = rig;
    const asking = (change: object, n: number) =>
      ask({
        identity: identityOf({ ...CLAIMS_OF_KIM, ...change }),
        question: { ...ASKED.question, topic: `order.*.${n}` },
      });
    const greedy = Array.from({ length: 101 }, (_, n) => asking({}, n));
    const outcomes = Promise.allSettled(greedy);
    await waitFor("all may ask", () => rig.auth.asked.length >= 101 && [...rig.edge.hub.registered()].length === 0);
    const others = [asking({ sub: "lee" }, 1_000), asking({ tenant_id: "rival" }, 0)];
    await waitFor(
      "the others may ask",
      () => rig.auth.asked.length >= 103 && [...rig.edge.hub.registered()].length === 0,
    );
    gate.resolve(BOB);
    expect(await Promise.all(others)).toMatchObject([{ partial: false }, { partial: false }]);
    const refused = (await outcomes).flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    expect(refused.length).toBeGreaterThan(50);
    expect(refused[0]).toMatchObject({ code: "too_many_requests", retryAfterSeconds: 1 });
  });
});
