import type { KV } from "@nats-io/kv";
import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { followBucket } from "./follow-bucket.ts";

test("a watch that fails leaves nothing behind at the signal by which the bucket is not followed any more", async () => {
  const stop = new AbortController();
  const listening: number[] = [];
  const troubles: unknown[] = [];
  const watch = async () => {
    listening.push(getEventListeners(stop.signal, "abort").length);
    if (listening.length > 1) stop.abort();
    const next = () => Promise.reject(new Error("the consumer is lost"));
    return { stop: () => undefined, [Symbol.asyncIterator]: () => ({ next }) };
  };
  const follower = { onEntry: () => undefined, onTrouble: (error: unknown) => void troubles.push(error) };
  await followBucket({ watch } as unknown as KV, { ...follower, stop: stop.signal });
  expect(listening).toEqual([0, 0]);
  expect(troubles).toHaveLength(1);
});
