import { expect, test } from "vitest";
import { emptyAccount } from "#test/support/checker/account.ts";
import { formatConclusion, formatStep, formatTable, isGood, type RunReport, type StepReport } from "./report.ts";

const STEP: StepReport = {
  faults: ["kill -9 of edge"],
  targets: ["stream-1"],
  atMs: 61_000,
  lastedMs: 2_000,
  sight: {
    longestSilenceMs: 900,
    silent: "alice",
    longestOpeningMs: 300,
    reconnects: 3,
    refused: 0,
    degraded: 0,
    authErrors: 0,
    gaps: 0,
    resets: 0,
    unpublished: 0,
    longestPublishMs: 100,
  },
  recovery: { ms: 400, late: [], isComplete: true },
  noticed: [],
  lostSessions: 0,
  load: 1,
};
const RUN: RunReport = {
  on: "single",
  seed: 7,
  minutes: 1,
  steps: [STEP],
  account: { ...emptyAccount(), delivered: 1 },
  subscriptions: [],
  broken: [],
};

test("a step is one line, and a line more for what was late or went wrong", () => {
  expect(formatStep(STEP)).toBe(
    "00:01:01 kill -9 of edge (stream-1) for 2.0 s: silence 0.9 s, 3 reconnects, publishers: 0 errors, longest 0.1 s; back after 0.4 s",
  );
  const late = { ...STEP, recovery: { ms: 20_000, late: ["auth-1 is ready: after 20.0 s"], isComplete: true } };
  expect(
    formatStep({ ...late, noticed: ["2 degraded"], error: "it did not start" })
      .split("\n")
      .slice(1),
  ).toEqual(["      LATE auth-1 is ready: after 20.0 s", "      NOTICED 2 degraded", "      ERROR it did not start"]);
});

test("the table has the worst of each kind of fault", () => {
  const worse = { ...STEP, sight: { ...STEP.sight, longestSilenceMs: 4_000, degraded: 2 } };
  const rows = formatTable([STEP, worse, { ...STEP, faults: ["a", "b"] }])
    .split("\n")
    .slice(2);
  expect(rows).toEqual([
    "| kill -9 of edge | 2 | 4.0 s | 0.3 s | 3 | 0 | yes | 0.1 s | 0.4 s |",
    "| two of them at once | 1 | 0.9 s | 0.3 s | 3 | 0 | no | 0.1 s | 0.4 s |",
  ]);
});

test.each<[string, Partial<RunReport>]>([
  ["an event was lost", { account: { ...RUN.account, lost: 1 } }],
  ["a frame was not as described", { broken: ["the frame bye is not as described"] }],
  ["something came back late", { steps: [{ ...STEP, recovery: { ms: 1, late: ["x"], isComplete: true } }] }],
  ["a fault that nobody may notice was told", { steps: [{ ...STEP, noticed: ["2 degraded"] }] }],
  ["a fault could not be done", { steps: [{ ...STEP, error: "x" }] }],
])("a run is not good where %s", (_, change) => {
  expect(isGood(RUN)).toBe(true);
  expect(isGood({ ...RUN, ...change })).toBe(false);
  expect(formatConclusion({ ...RUN, ...change })).toContain("NOT GOOD");
});
