import type { WorkerAnswers, WorkerMessage, WorkerQuestion } from "./messages.ts";
import type { Operations } from "./operations.ts";

/** Tells the primary that this worker takes streams, and from then on what it asks. Disposing it ends the answers. */
export function answerPrimary({ registry, isReady, connections }: Operations): Disposable {
  const answers: { [Ask in keyof WorkerAnswers]: () => WorkerAnswers[Ask] | Promise<WorkerAnswers[Ask]> } = {
    isReady,
    metrics: () => registry.getMetricsAsJSON(),
    connections,
  };
  const answer = async ({ id, ask }: WorkerQuestion): Promise<void> => {
    tell({ told: "answer", id, answer: await answers[ask]() });
  };
  const onQuestion = (question: WorkerQuestion): void => void answer(question);
  process.on("message", onQuestion);
  tell({ told: "ready" });
  return { [Symbol.dispose]: () => void process.off("message", onQuestion) };
}

/** A primary that is gone hears nothing, which is told by the end of the channel, not by a failure here. */
function tell(message: WorkerMessage): void {
  process.send?.(message, undefined, {}, () => undefined);
}
