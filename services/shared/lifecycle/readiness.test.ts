import { afterEach, expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { type Readiness, type ReadinessChecks, watchReadiness } from "./readiness.ts";

let readiness: Readiness | undefined;
afterEach(() => readiness?.[Symbol.dispose]());

function watch(checks: ReadinessChecks, times: Parameters<typeof watchReadiness>[2] = {}) {
  const lines: unknown[] = [];
  const write = (facts: object, message: string): void => void lines.push({ ...facts, message });
  readiness = watchReadiness(checks, { warn: write, info: write }, times);
  return { readiness, lines };
}

test("nothing is wrong where no check says so", async () => {
  const { readiness: all } = watch({ redis_unusable: () => undefined, log_unusable: async () => undefined });
  expect(await all.reasons()).toEqual([]);
});

test("a check that says what is wrong, one that rejects and one that hangs are a reason each", async () => {
  const { readiness: all } = watch(
    {
      keys_unusable: () => "refused",
      redis_unusable: () => Promise.reject(new Error("READONLY")),
      log_unusable: () => new Promise(() => {}),
    },
    { checkMs: 20 },
  );
  expect(await all.reasons()).toEqual([
    { code: "keys_unusable", detail: "refused" },
    { code: "redis_unusable", detail: "READONLY" },
    { code: "log_unusable", detail: "no answer within 20 ms" },
  ]);
});

test("the checks run once a second, however many ask", async () => {
  let runs = 0;
  let time = 0;
  const { readiness: all } = watch({ redis_unusable: () => void (runs += 1) }, { now: () => time });
  await Promise.all(Array.from({ length: 50 }, () => all.reasons()));
  time = 999;
  await all.reasons();
  expect(runs).toBe(1);
  time = 1_000;
  await all.reasons();
  expect(runs).toBe(2);
});

test("a reason is logged when it comes and when it goes, also where nobody asks", async () => {
  let detail: string | undefined = "refused";
  let runs = 0;
  const check = (): string | undefined => {
    runs += 1;
    return detail;
  };
  const { lines } = watch({ keys_unusable: check }, { everyMs: 1 });
  await waitFor("the check ran a few times", () => runs > 3);
  detail = undefined;
  await waitFor("the reason is gone", () => lines.length > 1);
  expect(lines).toEqual([
    { code: "keys_unusable", detail: "refused", message: "not ready" },
    { code: "keys_unusable", message: "not a reason any more" },
  ]);
});
