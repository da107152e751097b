import DataLoader from "dataloader";

/** Calls of one loader under way at a time. */
const MAX_CALLS = 2;

/**
 * A loader that asks many questions in one call. When it is idle, the questions of one tick leave at once; while its calls
 * are under way, questions gather for the next one. A storm of handshakes makes few calls of many questions that way: a call
 * costs each side 0.3 ms of CPU, whatever is in it.
 */
export function createLoader<Question, Answer>(
  maxBatch: number,
  ask: (questions: readonly Question[]) => Promise<Answer[]>,
): (question: Question) => Promise<Answer> {
  const waiting: Array<() => void> = [];
  let running = 0;
  const call = async (questions: readonly Question[]): Promise<Answer[]> => {
    try {
      return await ask(questions);
    } finally {
      running -= 1;
      startNext();
    }
  };
  const startNext = (): void => {
    const dispatch = running < MAX_CALLS ? waiting.shift() : undefined;
    if (dispatch === undefined) return;
    running += 1;
    setImmediate(dispatch);
  };
  const loader = new DataLoader(call, {
    cache: false,
    maxBatchSize: maxBatch,
    batchScheduleFn: (dispatch) => {
      waiting.push(dispatch);
      startNext();
    },
  });
  return (question) => loader.load(question);
}
