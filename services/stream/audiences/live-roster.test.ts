import { beforeEach, describe, expect, test } from "vitest";
import { LiveRoster } from "./live-roster.ts";

const ALL = ["issues.>", "push.>", "push.event.main"];
const ISSUES = ["issues.>"];
const MAIN = ["push.event.main"];

let roster: LiveRoster<ReturnType<typeof reader>>;

beforeEach(() => {
  roster = new LiveRoster();
});

const reader = (topics: readonly string[], liveTopics: readonly string[]) => ({ registration: { topics, liveTopics } });

describe("live readers that ask for a topic of which nothing is granted to them", () => {
  test("are counted each once, however many of their topics match", () => {
    for (let times = 0; times < 3; times += 1) roster.add(reader(ALL, ISSUES));
    roster.add(reader(ALL, ALL));
    expect(
      ["push.event.main", "push.event.x", "issues.opened.1", "star.made.1"].map((topic) => roster.askInVain(topic)),
    ).toEqual([3, 3, 0, 0]);
    expect(roster.size).toBe(4);
  });

  test("are not counted where another topic of theirs is granted that matches: their audience is asked", () => {
    roster.add(reader(ALL, MAIN));
    expect([roster.askInVain("push.event.main"), roster.askInVain("push.event.x")]).toEqual([0, 1]);
  });

  test("are not counted once they have left", () => {
    const readers = [reader(ALL, ISSUES), reader(ALL, ISSUES), reader(ALL, ALL)];
    for (const each of readers) roster.add(each);
    roster.remove(readers[0]!);
    roster.remove(readers[2]!);
    expect([roster.askInVain("push.event.main"), roster.size]).toEqual([1, 1]);
    roster.remove(readers[1]!);
    expect([roster.askInVain("push.event.main"), roster.size]).toEqual([0, 0]);
  });
});
