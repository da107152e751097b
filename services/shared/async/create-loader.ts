import DataLoader from "dataloader";
import { AppError } from "#shared/errors/app-error.ts";
import { type CallContext, type SharedContext, shareContexts } from "./call-context.ts";

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

/** Asks one question, for a request where it is asked for one. */
export type Load<Question, Answer> = (question: Question, context?: CallContext) => Promise<Answer>;

/** Asks several questions in one call, on behalf of all these requests. */
export type AskAll<Question, Answer> = (
  questions: readonly Question[],
  shared: SharedContext,
) => Promise<readonly (Answer | Error)[]>;

interface Asked<Question> {
  readonly question: Question;
  readonly context: CallContext | undefined;
}

/**
 * A loader that asks many questions in one call. An idle loader sends the questions of one tick at once; while its calls
 * are under way, or it rests, questions gather for the next one. So a storm of handshakes makes few calls: a call costs
 * each side 0.3 ms of CPU, whatever its size. Without rests, handshakes that came one by one made a call for every four. An
 * Error among the answers fails its own question alone. A question that nobody waits for any more is not asked, and a call
 * with one question is given up once nobody waits for its answer.
 */
export function createLoader<Question, Answer>(
  { maxBatch, restMsPerQuestion = 0 }: LoaderDeps,
  askAll: AskAll<Question, Answer>,
): Load<Question, Answer> {
  const waiting: Array<() => void> = [];
  let running = 0;
  let restsUntil = 0;
  let rest: NodeJS.Timeout | undefined;
  const call = async (asked: readonly Asked<Question>[]): Promise<(Answer | Error)[]> => {
    restsUntil = performance.now() + Math.min(MAX_REST_MS, asked.length * restMsPerQuestion);
    try {
      return await askWanted(asked, askAll);
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
  const loader = new DataLoader<Asked<Question>, Answer>(call, {
    cache: false,
    maxBatchSize: maxBatch,
    batchScheduleFn: (dispatch) => {
      waiting.push(dispatch);
      startNext();
    },
  });
  return (question, context) => loader.load({ question, context });
}

async function askWanted<Question, Answer>(
  asked: readonly Asked<Question>[],
  askAll: AskAll<Question, Answer>,
): Promise<(Answer | Error)[]> {
  const wanted = asked.filter(({ context }) => context?.signal?.aborted !== true);
  const contexts = wanted.map(({ context }) => context);
  const questions = wanted.map(({ question }) => question);
  const answers = wanted.length === 0 ? [] : await askAll(questions, shareContexts(contexts));
  if (wanted.length === asked.length) return [...answers];
  const answerOf = new Map(wanted.map((each, place) => [each, answers[place]]));
  return asked.map((each) => answerOf.get(each) ?? new AppError("unavailable", "nobody waits for the answer"));
}
