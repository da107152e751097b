import { describe, expect, test } from "vitest";
import { createLoader } from "./create-loader.ts";

test("an idle loader sends what one tick asks in one call, and answers each question with its own", async () => {
  const calls: number[][] = [];
  const load = createLoader<number, number>({ maxBatch: 10 }, async (questions) => {
    calls.push([...questions]);
    return questions.map((question) => question * 2);
  });
  expect(await Promise.all([load(1), load(2), load(3)])).toEqual([2, 4, 6]);
  expect(calls).toEqual([[1, 2, 3]]);
});

test("while calls are under way questions gather, up to the largest batch", async () => {
  const sizes: number[] = [];
  const gate = Promise.withResolvers<void>();
  const load = createLoader<number, number>({ maxBatch: 4 }, async (questions) => {
    sizes.push(questions.length);
    await gate.promise;
    return [...questions];
  });
  const first = load(0);
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  const second = load(1);
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  const rest = Array.from({ length: 6 }, (_, index) => load(index + 2));
  expect(sizes).toEqual([1, 1]);
  gate.resolve();
  expect(await Promise.all([first, second, ...rest])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(sizes).toEqual([1, 1, 4, 2]);
});

test("a call that fails fails its own questions, and the next ones are asked", async () => {
  let calls = 0;
  const load = createLoader<number, number>({ maxBatch: 1 }, async (questions) => {
    calls += 1;
    if (calls <= 2) throw new Error("away");
    return [...questions];
  });
  const answers = await Promise.allSettled([load(1), load(2), load(3)]);
  expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
});

test("a loader that rests gathers what trickles in, and asks at once again after quiet", async () => {
  const sizes: number[] = [];
  const load = createLoader<number, number>({ maxBatch: 100, restMsPerQuestion: 30 }, async (questions) => {
    sizes.push(questions.length);
    return [...questions];
  });
  await load(0);
  const trickle: Promise<number>[] = [];
  for (let question = 1; question <= 5; question += 1) {
    trickle.push(load(question));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  expect(await Promise.all(trickle)).toEqual([1, 2, 3, 4, 5]);
  expect(sizes).toEqual([1, 5]);
});

describe("a question that nobody waits for any more", () => {
  const contextOf = (requestId: string) => {
    const gone = new AbortController();
    return { gone, context: { requestId, signal: gone.signal } };
  };

  test("is not asked, and others of its call are", async () => {
    const calls: { questions: readonly number[]; requests: unknown[] }[] = [];
    const load = createLoader<number, number>({ maxBatch: 10 }, async (questions, { contexts }) => {
      calls.push({ questions, requests: contexts.map(({ requestId }) => requestId) });
      return questions.map((question) => question * 2);
    });
    const [left, stays] = [contextOf("left"), contextOf("stays")];
    const asked = [load(1, left.context), load(2, stays.context), load(3)];
    left.gone.abort();
    const answers = await Promise.allSettled(asked);
    expect(answers).toMatchObject([{ reason: { code: "unavailable" } }, { value: 4 }, { value: 6 }]);
    expect(calls).toEqual([{ questions: [2, 3], requests: ["stays"] }]);
  });

  test("makes no call by itself", async () => {
    let calls = 0;
    const load = createLoader<number, number>({ maxBatch: 10 }, async (questions) => ((calls += 1), [...questions]));
    const { gone, context } = contextOf("left");
    const asked = load(1, context);
    gone.abort();
    await expect(asked).rejects.toMatchObject({ code: "unavailable" });
    await expect(load(2)).resolves.toBe(2);
    expect(calls).toBe(1);
  });

  test("gives up a call that is made for it alone", async () => {
    const { gone, context } = contextOf("only");
    const signal = Promise.withResolvers<AbortSignal | undefined>();
    const load = createLoader<number, number>({ maxBatch: 10 }, async (questions, shared) => {
      signal.resolve(shared.signal);
      return [...questions];
    });
    const asked = load(1, context);
    gone.abort();
    await asked.catch(() => undefined);
    const second = contextOf("second");
    const again = load(2, second.context);
    const callSignal = await signal.promise;
    second.gone.abort();
    expect(callSignal?.aborted).toBe(true);
    await again;
  });

  test("keeps its call going where another one is asked for no request", async () => {
    const { gone, context } = contextOf("left");
    const signal = Promise.withResolvers<AbortSignal | undefined>();
    const load = createLoader<number, number>({ maxBatch: 10 }, async (questions, shared) => {
      signal.resolve(shared.signal);
      return [...questions];
    });
    const asked = [load(1, context), load(2)];
    gone.abort();
    expect(await signal.promise).toBeUndefined();
    await Promise.allSettled(asked);
  });
});

test("a full batch does not rest", async () => {
  // A rest would outlast this test.
  const sizes: number[] = [];
  const load = createLoader<number, number>({ maxBatch: 2, restMsPerQuestion: 1e6 }, async (questions) => {
    sizes.push(questions.length);
    return [...questions];
  });
  await Promise.all([1, 2, 3, 4].map((question) => load(question)));
  expect(sizes).toEqual([2, 2]);
});
