import { beforeEach, describe, expect, test } from "vitest";
import { ReachLog } from "./reach-log.ts";

let withheld: string[];
let reach: ReachLog;

beforeEach(() => {
  withheld = [];
  reach = new ReachLog((reason) => withheld.push(reason));
});

const add = (seq: number, { denied = 0, isWithoutRule = false, isTaken = false } = {}): void => {
  reach.add(seq, 3);
  reach.fannedOut(seq, { denied, isWithoutRule, isTaken });
};

describe("an event that is remembered", () => {
  test("knows whom it reached, also those who were behind", () => {
    add(7, { denied: 1, isTaken: true });
    reach.written(7, 2);
    reach.written(7, 1);
    reach.denied(7);
    expect(reach.of(7)).toEqual({ seq: 7, connected: 3, reached: 3, denied: 2, isWithoutRule: false });
  });

  test("is each of those among the last 1 024 sequences, however the log skips", () => {
    const added: number[] = [];
    for (let seq = 1; seq <= 5_000; seq += seq % 7 === 0 ? 40 : 1) added.push(seq);
    for (const seq of added) add(seq, { isTaken: true });
    const last = added.filter((seq) => seq > (added.at(-1) ?? 0) - 1_024);
    expect(last.length).toBeGreaterThan(50);
    expect(last.filter((seq) => reach.of(seq)?.seq !== seq)).toEqual([]);
  });

  test("is forgotten exactly when the sequence 1 024 behind it is an event", () => {
    for (let seq = 1; seq <= 1_024; seq += 1) add(seq, { isTaken: true });
    expect(reach.of(1)?.seq).toBe(1);
    add(1_025, { isTaken: true });
    expect([reach.of(1), reach.of(2)?.seq]).toEqual([undefined, 2]);
    reach.written(1, 5);
    expect(reach.of(1_025)?.reached).toBe(0);
  });

  test("is not one of a log that has begun anew", () => {
    add(7);
    reach.clear();
    reach.settle();
    expect([reach.of(7), reach.of(0), withheld]).toEqual([undefined, undefined, []]);
  });
});

describe("an event that reached nobody", () => {
  test("is reported with the reason, once", () => {
    add(1, { isWithoutRule: true });
    add(2, { denied: 2 });
    add(3);
    add(4, { isTaken: true });
    reach.settle();
    reach.settle();
    expect(withheld).toEqual(["no_rule", "denied", "no_listener"]);
  });

  test("is not reported where a reader that was behind has got it meanwhile, or may not see it", () => {
    add(1);
    add(2);
    reach.written(1, 1);
    reach.denied(2);
    reach.settle();
    expect(withheld).toEqual(["denied"]);
  });

  test("is reported when it is forgotten, however long readers stay behind", () => {
    for (let seq = 1; seq <= 4_096; seq += 1) add(seq);
    expect(withheld).toHaveLength(4_096 - 1_024);
    reach.settle();
    expect(withheld).toHaveLength(4_096);
  });
});
