import { expect, test } from "vitest";
import { createFakeEnvironment, idOf, settle } from "../../test/rigs/fake-environment.ts";
import type { LifeSign } from "./environment/environment.ts";
import { FollowedStream } from "./follow-stream.ts";
import type { StreamOptions } from "./options.ts";
import type { SourceListener } from "./source.ts";
import type { StreamState } from "./stream-state.ts";

/** A stream whose source is the test. */
function follow(change: Partial<StreamOptions> = {}, environment = createFakeEnvironment()) {
  let listener: SourceListener | undefined;
  const ignored = { onGap: "ignore", onReset: "ignore", onDegraded: "ignore" } as const;
  const options = { url: "http://edge.test", topics: ["a.>"], ...ignored, ...change };
  const stream = new FollowedStream(options, environment, (given) => {
    listener = given;
    return { connectionId: undefined, close: () => {}, state: { name: "live" } };
  });
  return {
    stream,
    become: (state: StreamState) => listener?.onState(state),
    frame: (event: string, seq: number) => listener?.onFrame({ event, id: idOf(seq), data: "{}" }),
    event: (seq: number) =>
      listener?.onFrame({
        id: idOf(seq),
        data: JSON.stringify({ type: "order.paid", subject: "order.paid.1", time: "t", data: seq }),
      }),
  };
}

test("one function that listens twice hears each event twice, and goes on when one of the two leaves", async () => {
  const { stream, event } = follow();
  const heard: unknown[] = [];
  const listen = ({ data }: { readonly data: unknown }): number => heard.push(data);
  const leave = stream.on("order.paid", listen);
  stream.on("order.paid", listen);
  await settle();
  event(1);
  leave();
  leave();
  event(2);
  expect(heard).toEqual([1, 1, 2]);
});

test("a listener that another one has taken away hears nothing any more, not even what is being told", async () => {
  const { stream, event } = follow();
  const heard: unknown[] = [];
  stream.on("order.paid", () => leave());
  const leave = stream.on("order.paid", ({ data }) => heard.push(data));
  stream.on("order.paid", () => heard.push("the next one"));
  await settle();
  event(1);
  expect(heard).toEqual(["the next one"]);
});

test("a stream that has ended hears nothing of its page any more", async () => {
  const watchers = new Set<(sign: LifeSign) => void>();
  const environment = createFakeEnvironment({
    watch(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  });
  const { become } = follow({ remember: "session" }, environment);
  expect(watchers.size).toBe(1);
  become({ name: "ended", reason: "forbidden" });
  await settle();
  expect(watchers.size).toBe(0);
});

test("events that nobody has heard yet come again after a reload, and those that were heard do not", async () => {
  const environment = createFakeEnvironment();
  const before = follow({ remember: "session" }, environment);
  before.frame("ready", 1);
  before.event(2);
  before.frame("cursor", 3);
  const kept = (): unknown => {
    environment.sign("suspend");
    return [...environment.stored.values()].at(-1);
  };
  expect(kept()).toBe(idOf(1));
  before.stream.on("order.paid", () => {});
  await settle();
  expect(kept()).toBe(idOf(2));
});

test("the id of an event is kept once each loop has come back from it, or has left", async () => {
  const environment = createFakeEnvironment();
  const { stream, event, frame } = follow({ remember: "session" }, environment);
  const kept = (): unknown => {
    environment.sign("suspend");
    return [...environment.stored.values()][0];
  };
  const [loop, slower] = [stream[Symbol.asyncIterator](), stream[Symbol.asyncIterator]()];
  await settle();
  for (const seq of [1, 2, 3]) event(seq);
  await loop.next();
  await slower.next();
  frame("cursor", 4);
  expect(kept()).toBeUndefined();
  await loop.next();
  expect(kept()).toBeUndefined();
  await slower.next();
  expect(kept()).toBe(idOf(1));
  await slower.return?.();
  await loop.next();
  expect(kept()).toBe(idOf(2));
  await loop.return?.();
  expect(kept()).toBe(idOf(2));
  frame("cursor", 5);
  expect(kept()).toBe(idOf(5));
});
