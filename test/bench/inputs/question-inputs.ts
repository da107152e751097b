import { ASK_EDGES, type EdgeQuestion, MAX_DEAD_NAMED, MAX_REACH_ASKED } from "#shared/contract/edge-questions.ts";
import type { InputsWorld } from "./inputs-world.ts";
import { answers, type InputSize, type OutsideInput } from "./outside-input.ts";

const ID = "w".repeat(64);

/** Questions of each kind, smallest first. */
const QUESTIONS: { readonly [Ask in EdgeQuestion["ask"]]: readonly [smallest: object, largest: object] } = {
  connections: [
    { after: "", limit: 1 },
    { tenant: ID, subject: "é".repeat(128), connectionId: ID, after: ID, limit: 500 },
  ],
  nodes: [{}, {}],
  reach: [
    { tenant: "demo", epoch: "e", seqs: [1] },
    { tenant: ID, epoch: "e".repeat(32), seqs: Array.from({ length: MAX_REACH_ASKED }, (_, n) => 9e15 - n) },
  ],
  close: [
    { tenant: "demo", connectionId: "w" },
    { tenant: ID, connectionId: ID },
  ],
  clients: [{}, {}],
  subscriptions: [{ tenant: "demo" }, { tenant: ID }],
  subscription: [
    { tenant: "demo", subject: "s", name: "n", command: { do: "resume" } },
    {
      tenant: ID,
      subject: "é".repeat(128),
      name: ID,
      command: { do: "drop", dead: Array.from({ length: MAX_DEAD_NAMED }, () => "i".repeat(128)) },
    },
  ],
};

/** What policy may ask the edges for an operator. */
export function questionInputs(world: InputsWorld): readonly OutsideInput[] {
  const question = (name: string, through: readonly string[], textOf: (size: InputSize) => string): OutsideInput => ({
    name: `edge, ${name}`,
    through,
    service: world.stack.edge,
    answers: answers(200),
    send: async (size) => {
      // Whoever is to carry out a command is asked by name.
      const { from: worker } = await answerTo(world, JSON.stringify({ ask: "nodes" }));
      const { from } = await answerTo(world, textOf(size).replace('"ask":"subscription"', `$&,"worker":"${worker}"`));
      return from === undefined ? 500 : 200;
    },
  });
  return [
    ...Object.entries(QUESTIONS).map(([ask, [smallest, largest]]) =>
      question(`a question for ${ask}`, [`question ${ask}`], (size) =>
        JSON.stringify({ ask, ...(size === "largest" ? largest : smallest) }),
      ),
    ),
    question("a question that is none", ["question connections"], (size) =>
      size === "largest" ? "[".repeat(1_000_000) : "",
    ),
  ];
}

async function answerTo({ policyBus }: InputsWorld, question: string): Promise<{ readonly from?: string }> {
  return (await policyBus.connection.request(ASK_EDGES, question, { timeout: 5_000 })).json();
}
