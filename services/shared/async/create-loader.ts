import DataLoader from "dataloader";

/** Calls of one loader under way at a time. */
const MAX_CALLS = 2;

/** No question waits longer than this for others to join it. */
const MAX_REST_MS = 100;

/** How many questions a loader asks in one call, and when. */
export interface LoaderDeps {
  readonly maxBatch: number;
  /**
   * How long the loader rests after a call, for each question in it. Below 1 / `restMsPerQuestion` questions a millisecond
   * calls stay small and nobody waits; above, each call gathers more than the one before.
   */
  readonly restMsPerQuestion?: number;
}

/**
 * A loader that asks many questions in one call. An idle loader sends the questions of one tick at once; while its calls
 * are under way, or it rests, questions gather for the next one. So a storm of handshakes makes few calls: a call costs
 * each side 0.3 ms of CPU, whatever its size. Without rests, handshakes that came one by one made a call for every four. An
 * Error among the answers fails its own question alone.
 */
export function createLoader<Question, Answer>(
  { maxBatch, restMsPerQuestion = 0 }: LoaderDeps,
  ask: (questions: readonly Question[]) => Promise<(Answer | Error)[]>,
): (question: Question) => Promise<Answer> {
  const waiting: Array<() => void> = [];
  let running = 0;
  let restsUntil = 0;
  let rest: NodeJS.Timeout | undefined;
  const call = async (questions: readonly Question[]): Promise<(Answer | Error)[]> => {
    restsUntil = performance.now() + Math.min(MAX_REST_MS, questions.length * restMsPerQuestion);
    try {
      return await ask(questions);
    } finally {
      running -= 1;
      startNext();
    }
  };
  const startNext = (): void => {
    if (running >= MAX_CALLS || rest !== undefined) return;
    const restMs = restsUntil - performance.now();
    // Where two batches wait, the first is full.
    if (waiting.length === 1 && restMs > 0) {
      rest = setTimeout(wake, restMs);
      return;
    }
    const dispatch = waiting.shift();
    if (dispatch === undefined) return;
    running += 1;
    setImmediate(dispatch);
  };
  const wake = (): void => {
    rest = undefined;
    startNext();
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
