import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RetryBudget } from "./retry-budget.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ROUND_TRIP_MS = 20;

/** A service that is asked through a budget. */
function createService(budget = new RetryBudget()) {
  const service = {
    isAway: true,
    tries: 0,
    answered: 0,
    over: 0,
    /** Has so many questions asked. */
    ask(size: number, isWanted = (): boolean => true) {
      for (let index = 0; index < size; index += 1) {
        void budget.untilAnswered("away", answer, isWanted).then(() => (service.over += 1));
      }
    },
  };
  const answer = async (): Promise<true | undefined> => {
    service.tries += 1;
    if (service.isAway) return undefined;
    await new Promise((resolve) => setTimeout(resolve, ROUND_TRIP_MS));
    service.answered += 1;
    return true;
  };
  return service;
}

test("of a thousand who are not answered ten a second ask again, beside a hundred that were earned", async () => {
  const service = createService();
  service.ask(1_000);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(service.tries).toBeGreaterThan(1_000 + 100 + 50);
  expect(service.tries).toBeLessThanOrEqual(1_000 + 100 + 100);
});

test("once retries are answered, ten thousand are through within seconds, and none asks twice more", async () => {
  const service = createService();
  service.ask(10_000);
  await vi.advanceTimersByTimeAsync(5_000);
  service.isAway = false;
  const { tries } = service;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(service.answered).toBe(10_000);
  expect(service.tries - tries).toBe(10_000);
});

test("hundreds of questions of one owner that are never answered hold up nobody else's for long", async () => {
  const budget = new RetryBudget();
  createService(budget).ask(500);
  await vi.advanceTimersByTimeAsync(10_000);
  let tries = 0;
  const ask = async (): Promise<true | undefined> => ((tries += 1) > 1 ? true : undefined);
  let answer: true | undefined;
  void budget.untilAnswered("there", ask, () => true).then((given) => (answer = given));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(answer).toBe(true);
});

test("a question that nobody wants answered any more is let go behind others that wait", async () => {
  const budget = new RetryBudget();
  createService(budget).ask(500);
  let isWanted = true;
  let isOver = false;
  void budget
    .untilAnswered(
      "away",
      async () => undefined,
      () => isWanted,
    )
    .then(() => (isOver = true));
  await vi.advanceTimersByTimeAsync(10_000);
  isWanted = false;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(isOver).toBe(true);
});

test("who does not want to know any more costs nothing and holds up nobody", async () => {
  const budget = new RetryBudget();
  const service = createService(budget);
  let isWanted = true;
  service.ask(1_000, () => isWanted);
  await vi.advanceTimersByTimeAsync(2_000);
  isWanted = false;
  const { tries } = service;
  const other = createService(budget);
  other.isAway = false;
  other.ask(5);
  await vi.advanceTimersByTimeAsync(200);
  expect([service.over, service.tries - tries, other.over]).toEqual([1_000, 0, 5]);
});

test("a lone question is asked the more rarely the longer the outage, and every 2 to 4 s in the end", async () => {
  const service = createService();
  service.ask(1);
  await vi.advanceTimersByTimeAsync(10_000);
  const { tries } = service;
  expect(tries).toBeGreaterThanOrEqual(6);
  await vi.advanceTimersByTimeAsync(40_000);
  expect(service.tries - tries).toBeGreaterThanOrEqual(9);
  expect(service.tries - tries).toBeLessThanOrEqual(21);
  service.isAway = false;
  await vi.advanceTimersByTimeAsync(4_200);
  expect(service.over).toBe(1);
});
