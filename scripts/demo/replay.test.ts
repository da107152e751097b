import { describe, expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { replay, type ReplayCounts, type ReplayOptions } from "./replay.ts";
import type { Publication } from "../shared/connect-producer.ts";

const publications = ["issues.opened", "push.event", "star.created"].map((topic) => ({ topic, payload: "{}" }));

function startReplay(options: Partial<ReplayOptions>) {
  const counts: ReplayCounts = { published: 0, acknowledged: 0, refused: 0 };
  const topics: string[] = [];
  const publish = ({ topic }: Publication): Promise<void> => Promise.resolve(void topics.push(topic));
  const defaults = { publish, ratePerSecond: 10_000, maxPending: 8, signal: AbortSignal.timeout(10_000), count: 3 };
  return { counts, topics, done: replay(publications, { ...defaults, ...options }, counts) };
}

function refusePushes({ topic }: Publication): Promise<void> {
  return topic === "push.event" ? Promise.reject(new Error("no responders")) : Promise.resolve();
}

describe("a replay", () => {
  test("publishes in turn, from the first again after the last, as many as it was asked for", async () => {
    const { counts, topics, done } = startReplay({ count: 7 });
    await done;
    const [first, second, third] = publications.map(({ topic }) => topic);
    expect(topics).toEqual([first, second, third, first, second, third, first]);
    expect(counts).toEqual({ published: 7, acknowledged: 7, refused: 0 });
  });

  test("keeps to its rate", async () => {
    const startedAt = performance.now();
    await startReplay({ ratePerSecond: 100, count: 11 }).done;
    // The timer of Node may fire up to a millisecond early.
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(98);
  });

  test("waits when too many events have no acknowledgement yet", async () => {
    const acknowledge: (() => void)[] = [];
    const publish = (): Promise<void> => new Promise((resolve) => void acknowledge.push(resolve));
    const { counts, done } = startReplay({ publish, count: 5, maxPending: 2 });
    await waitFor("two are on their way", () => acknowledge.length === 2);
    acknowledge[1]?.();
    await waitFor("the third goes out", () => acknowledge.length === 3);
    expect(counts).toEqual({ published: 3, acknowledged: 1, refused: 0 });
    const finish = setInterval(() => acknowledge.forEach((each) => each()), 1);
    await done;
    clearInterval(finish);
    expect(counts).toEqual({ published: 5, acknowledged: 5, refused: 0 });
  });

  test("goes on when the bus refuses an event, and counts it", async () => {
    const { counts, done } = startReplay({ publish: refusePushes });
    await done;
    expect(counts).toEqual({ published: 3, acknowledged: 2, refused: 1 });
  });

  test("ends when it is told to, in the middle of a pause too", async () => {
    const stop = new AbortController();
    const { counts, done } = startReplay({ count: Infinity, ratePerSecond: 0.01, signal: stop.signal });
    await waitFor("the first is acknowledged", () => counts.acknowledged === 1);
    stop.abort();
    await done;
    expect(counts).toEqual({ published: 1, acknowledged: 1, refused: 0 });
  });
});
