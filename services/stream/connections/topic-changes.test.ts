import { expect, test } from "vitest";
import { StreamTopics } from "../subscription/stream-topics.ts";
import { TopicChanges } from "./topic-changes.ts";

test("behind a store that does not answer no more changes wait than a second brings, however long that lasts", async () => {
  const changes = new TopicChanges(new StreamTopics(new Set(["order.a"])));
  const answered = Promise.withResolvers<void>();
  const waiting: Promise<void>[] = [];
  for (let second = 0; second < 20; second += 1) {
    changes.admit(second * 1_000);
    waiting.push(changes.inOrder(() => answered.promise));
  }
  const refused = expect.objectContaining({ code: "too_many_requests", retryAfterSeconds: 1 });
  expect(() => changes.admit(20_000)).toThrow(refused);
  answered.resolve();
  await Promise.all(waiting);
  changes.admit(21_000);
});
