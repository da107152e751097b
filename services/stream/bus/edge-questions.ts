import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { ASK_EDGES, type EdgeAnswer, type EdgeQuestion, edgeQuestionSchema } from "#shared/contract/edge-questions.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import type { Answered } from "../connections/questions/answer-question.ts";
import type { Observer } from "../observe/observer.ts";

/** Five hundred sequences take a third of this, with an epoch and a tenant. */
const MAX_QUESTION_BYTES = 16 * 1_024;

/** Questions that wait while one is answered; of a flood the rest gets no answer, as if this worker were slow. */
const MAX_WAITING = 32;

/** The edge, as far as operators' questions are heard. */
export interface EdgeQuestionsDeps {
  readonly nats: NatsConnection;
  readonly workerId: string;
  readonly answer: (question: EdgeQuestion) => Promise<Answered>;
  readonly observer: Pick<Observer, "fault">;
}

/**
 * Answers operators' questions until disposed, one after the other. They come over the bus from policy, which alone has the right to
 * ask; every worker of every edge hears them.
 */
export function serveQuestions({ nats, workerId, answer, observer }: EdgeQuestionsDeps): Disposable {
  const waiting: Msg[] = [];
  let isAnswering = false;
  const answerAll = async (): Promise<void> => {
    isAnswering = true;
    for (let message = waiting.shift(); message !== undefined; message = waiting.shift()) {
      try {
        const answered: EdgeAnswer = { from: workerId, ...(await answerTo(message.data, answer)) };
        if (!nats.isClosed()) message.respond(JSON.stringify(answered));
      } catch (error) {
        observer.fault(error);
      }
    }
    isAnswering = false;
  };
  const subscription = nats.subscribe(ASK_EDGES, {
    callback(error, message) {
      if (error !== null) return observer.fault(error);
      if (waiting.length >= MAX_WAITING) return;
      waiting.push(message);
      if (!isAnswering) void answerAll();
    },
  });
  return { [Symbol.dispose]: () => subscription.unsubscribe() };
}

async function answerTo(
  data: Uint8Array,
  answer: EdgeQuestionsDeps["answer"],
): Promise<Answered | { readonly unknown: true }> {
  if (data.length > MAX_QUESTION_BYTES) return { unknown: true };
  const question = edgeQuestionSchema.safeParse(parseJson(new TextDecoder().decode(data)));
  return question.success ? answer(question.data) : { unknown: true };
}
