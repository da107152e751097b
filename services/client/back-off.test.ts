import { describe, expect, test } from "vitest";
import { createFakeEnvironment } from "../../test/rigs/fake-environment.ts";
import { BackOff } from "./back-off.ts";

const GOOD_END = { livedMs: 60_000, isFailure: false };

describe("the time before the next request", () => {
  test("is a second from the last one on, or what the edge has asked for, whichever is longer", async () => {
    const environment = createFakeEnvironment();
    const backOff = new BackOff(environment);
    expect(backOff.owedMs).toBe(0);
    backOff.ask();
    await environment.pass(400);
    expect(backOff.owedMs).toBe(600);
    backOff.next({ ...GOOD_END, retryMs: 5_000 });
    await environment.pass(1_000);
    expect(backOff.owedMs).toBe(4_000);
    backOff.next({ ...GOOD_END, retryMs: 0 });
    expect(backOff.owedMs).toBe(4_000);
  });

  test("may be skipped by the page itself where it is but that second", () => {
    const backOff = new BackOff(createFakeEnvironment());
    backOff.ask();
    backOff.hurry();
    expect(backOff.owedMs).toBe(0);
    backOff.next({ ...GOOD_END, retryMs: 1_001 });
    backOff.hurry();
    expect(backOff.owedMs).toBe(1_001);
  });

  test("begins anew where the clock is set back, and is no longer than before", async () => {
    const environment = createFakeEnvironment();
    await environment.pass(3_600_000);
    const backOff = new BackOff(environment);
    backOff.next({ ...GOOD_END, retryMs: 2_000 });
    environment.sleep(-3_600_000);
    expect(backOff.owedMs).toBe(2_000);
    await environment.pass(2_000);
    expect(backOff.owedMs).toBe(0);
  });
});
