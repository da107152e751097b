import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { ASK_EDGES, type EdgeQuestion, edgeQuestionSchema } from "#shared/contract/edge-questions.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { Answered } from "../connections/questions/answer-question.ts";
import type { Observer } from "../observe/observer.ts";
import { whileOpen } from "#shared/nats/while-open.ts";

/** Five hundred sequences take a third of this, with an epoch and a tenant. */
const MAX_QUESTION_BYTES = 16 * 1_024;

/** Questions that wait while one is answered; of a flood the rest gets no answer, as if this worker were slow. */
const MAX_WAITING = 32;

/** Commands that are carried out at a time, beside the questions: each may wait for a holder. */
const MAX_COMMANDS = 8;

/** The edge, as far as operators' questions are heard. */
export interface EdgeQuestionsDeps {
  readonly nats: NatsConnection;
  readonly workerId: string;
  readonly answer: (question: EdgeQuestion) => Promise<Answered>;
  readonly observer: Pick<Observer, "fault">;
}

/**
 * Answers operators' questions until disposed, one after the other; commands are carried out beside them. They come over the bus from policy, which alone has the right to
 * ask; every worker of every edge hears them.
 */
export function serveQuestions({ nats, workerId, answer, observer }: EdgeQuestionsDeps): Disposable {
  const waiting: Asked[] = [];
  let isAnswering = false;
  let commands = 0;
  const answerOne = async ({ message, question }: Asked): Promise<void> => {
    try {
      const said = question === undefined ? ({ unknown: true } as const) : await answer(question);
      const answered = { from: workerId, ...said };
      whileOpen(() => message.respond(JSON.stringify(answered)));
    } catch (error) {
      observer.fault(error);
    }
  };
  const answerAll = async (): Promise<void> => {
    isAnswering = true;
    for (let asked = waiting.shift(); asked !== undefined; asked = waiting.shift()) await answerOne(asked);
    isAnswering = false;
  };
  const carryOut = async (asked: Asked): Promise<void> => {
    if (commands >= MAX_COMMANDS) return;
    commands += 1;
    await answerOne(asked);
    commands -= 1;
  };
  const subscription = nats.subscribe(ASK_EDGES, {
    callback(error, message) {
      if (error !== null) return observer.fault(error);
      const question = readQuestion(message.data);
      if (question?.ask === "subscription") {
        if (question.worker === workerId) void carryOut({ message, question });
        return;
      }
      if (waiting.length >= MAX_WAITING) return;
      waiting.push({ message, question });
      if (!isAnswering) void answerAll();
    },
  });
  return { [Symbol.dispose]: () => subscription.unsubscribe() };
}

/** A message with the question in it; undefined where the worker does not understand it. */
interface Asked {
  readonly message: Msg;
  readonly question: EdgeQuestion | undefined;
}

function readQuestion(data: Uint8Array): EdgeQuestion | undefined {
  if (data.length > MAX_QUESTION_BYTES) return undefined;
  return edgeQuestionSchema.safeParse(parseJson(new TextDecoder().decode(data))).data;
}
