import type { WorkerAnswers, WorkerMessage, WorkerQuestion } from "./messages.ts";
import type { Operations } from "./operations.ts";

/** Reports to the primary that this worker takes streams, and answers its questions from then on. Disposing it ends the answers. */
export function answerPrimary({ registry, reasons, connections }: Operations): Disposable {
  const answers: { [Ask in keyof WorkerAnswers]: () => WorkerAnswers[Ask] | Promise<WorkerAnswers[Ask]> } = {
    reasons,
    metrics: () => registry.getMetricsAsJSON(),
    connections,
  };
  const answer = async ({ id, ask }: WorkerQuestion): Promise<void> => {
    send({ kind: "answer", id, answer: await answers[ask]() });
  };
  const onQuestion = (question: WorkerQuestion): void => void answer(question);
  process.on("message", onQuestion);
  send({ kind: "ready" });
  return { [Symbol.dispose]: () => void process.off("message", onQuestion) };
}

/** The end of the channel shows that the primary is gone; a message that fails then is no failure. */
function send(message: WorkerMessage): void {
  process.send?.(message, undefined, {}, () => undefined);
}
