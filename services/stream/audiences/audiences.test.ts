import { beforeEach, expect, test } from "vitest";
import { Grant } from "../access/grant.ts";
import { identity } from "../sse/content-coding.ts";
import type { Member } from "./audience.ts";
import { Audiences } from "./audiences.ts";

const MEMBER: Member = { registration: { topics: [], liveTopics: [] }, write: () => true, detach: () => {} };
const grant = new Grant("g", []);

let audiences: Audiences;

beforeEach(() => {
  audiences = new Audiences({
    horizon: () => ({ seq: 1, tag: "t" }),
    now: () => performance.now(),
    checkClock: () => {},
    flushMs: 5,
    leastFlushMs: () => 0,
    onFlushed: () => {},
    turns: { finish: (work) => void work() },
  });
});

function audienceOf(topics: readonly string[]) {
  return audiences.of({ topics, grant, format: { body: "raw", naming: "message", framing: "sse" }, coding: identity });
}

const HUNDRED = Array.from({ length: 100 }, (_, index) => `order.created.k${index}`);

test("an audience that its only member has left can get other topics: it is found under these and no others", () => {
  const [before, after] = [
    ["order.a", "order.b"],
    ["order.b", "order.c"],
  ];
  const audience = audienceOf(before);
  audiences.rekey(audience, after);
  expect(["order.a", "order.b", "order.c"].map((topic) => audiences.match(topic).length)).toEqual([0, 1, 1]);
  expect(audienceOf(after)).toBe(audience);
  expect(audienceOf(before)).not.toBe(audience);
  audiences.dropIfEmpty(audience);
  expect(audiences.match("order.c")).toEqual([]);
});

test("an audience with members keeps its topics, and so does one where others have an audience with the new ones", () => {
  const [before, after] = [["order.a"], ["order.b"]];
  const [audience, other] = [audienceOf(before), audienceOf(after)];
  audiences.rekey(audience, after);
  expect([audience.key.topics, audiences.match("order.b")]).toEqual([before, [other]]);
  audience.join(MEMBER);
  audiences.rekey(audience, ["order.c"]);
  expect(audience.key.topics).toBe(before);
});

test("other topics cost as much as those that differ, not as all of them", () => {
  const lists = Array.from({ length: 300 }, (_, index) => [...HUNDRED.slice(1), `order.created.x${index}`]);
  const audience = audienceOf(HUNDRED);
  const timeOf = (act: (topics: readonly string[]) => void): number => {
    const before = process.cpuUsage();
    for (const topics of lists) act(topics);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  timeOf((topics) => audiences.rekey(audience, topics));
  audiences.rekey(audience, HUNDRED);
  const rekeyed = timeOf((topics) => audiences.rekey(audience, topics));
  const anew = timeOf((topics) => audiences.dropIfEmpty(audienceOf([...topics])));
  expect(anew).toBeGreaterThan(2 * rekeyed);
});
