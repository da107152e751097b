import type { StandardSchemaV1 } from "@standard-schema/spec";
import { z } from "zod";
import { describe, expect, expectTypeOf, test } from "vitest";
import { createFakeEnvironment, idOf, settle } from "../../test/rigs/fake-environment.ts";
import type { Frame } from "../shared/protocol/frame.ts";
import type { StreamCalls } from "./calls/stream-calls.ts";
import { connect } from "./connect.ts";
import { FollowedStream } from "./follow-stream.ts";
import type { ConnectOptions, Reaction, Schemas, StreamOptions } from "./options.ts";
import type { SluiceStream } from "./sluice-stream.ts";
import type { SourceListener } from "./source.ts";
import type { InvalidEvent, StreamEvent } from "./stream-event.ts";
import type { StreamState } from "./stream-state.ts";

const IGNORE = {
  url: "http://edge.test",
  topics: ["a.>"],
  onGap: "ignore",
  onReset: "ignore",
  onDegraded: "ignore",
} as const;

/** A stream whose source is the test. */
function follow<const Given extends Schemas = Schemas>(
  change: Partial<StreamOptions & { readonly schema: Given; readonly onInvalid: Reaction<InvalidEvent> }> = {},
  environment = createFakeEnvironment(),
) {
  let listener: SourceListener | undefined;
  let state: StreamState = { name: "live" };
  let openedBehind: string | undefined;
  const stream: Omit<SluiceStream<Given>, keyof StreamCalls> = new FollowedStream(
    { ...IGNORE, ...change } as ConnectOptions<Given>,
    environment,
    (given, lastEventId) => {
      listener = given;
      openedBehind = lastEventId;
      return {
        connectionId: undefined,
        close: () => become({ name: "ended", reason: "closed" }),
        get state() {
          return state;
        },
      };
    },
  );
  const become = (next: StreamState): void => {
    state = next;
    listener?.onState(next);
  };
  return {
    stream,
    become,
    openedBehind,
    frame: (frame: Frame) => listener?.onFrame(frame),
    event: (seq: number, envelope: object = {}) =>
      listener?.onFrame({
        id: idOf(seq),
        data: JSON.stringify({ type: "order.paid", subject: "order.paid.1", time: "t", data: seq, ...envelope }),
      }),
  };
}

/** What a loop gets until it ends. */
async function collect(stream: AsyncIterable<StreamEvent>): Promise<unknown[]> {
  const got: unknown[] = [];
  for await (const { data } of stream) got.push(data);
  return got;
}

describe("events", () => {
  test("go to loops and to listeners of their type, with their trace", async () => {
    const { stream, event } = follow();
    const heard: StreamEvent[] = [];
    stream.on("order.paid", (each) => heard.push(each));
    await settle();
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    event(1, { traceparent });
    event(2, { type: "order.sent" });
    expect(heard).toEqual([
      {
        id: idOf(1),
        type: "order.paid",
        topic: "order.paid.1",
        data: 1,
        time: "t",
        traceparent,
        raw: expect.any(String) as string,
      },
    ]);
  });

  test("that come before anybody listens wait for the first who does", async () => {
    const { stream, event } = follow();
    event(1);
    const heard: unknown[] = [];
    const all = collect(stream);
    stream.on("order.paid", ({ data }) => heard.push(data));
    event(2);
    await settle();
    event(3);
    stream.close();
    expect(await all).toEqual([1, 2, 3]);
    expect(heard).toEqual([1, 2, 3]);
  });

  test("go to each loop from its beginning on, and a loop that is left gets no more", async () => {
    const { stream, event } = follow();
    const [first, second] = [stream[Symbol.asyncIterator](), stream[Symbol.asyncIterator]()];
    await settle();
    event(1);
    await first.return?.();
    event(2);
    expect((await second.next()).value).toMatchObject({ data: 1 });
    expect((await second.next()).value).toMatchObject({ data: 2 });
    expect(await first.next()).toEqual({ value: undefined, done: true });
  });

  test("go each to one of those who wait for the next one at the same time", async () => {
    const { stream, event } = follow();
    const loop = stream[Symbol.asyncIterator]();
    const both = Promise.all([loop.next(), loop.next()]);
    await settle();
    event(1);
    event(2);
    expect((await both).map(({ value }) => value?.data)).toEqual([1, 2]);
  });

  test("go once to a listener that leaves and comes again when it hears one", async () => {
    const { stream, event } = follow();
    let heard = 0;
    const listen = (): (() => void) =>
      stream.on("order.paid", () => {
        heard += 1;
        // What would go on for ever stops here.
        if (heard < 10) off();
        if (heard < 10) off = listen();
      });
    let off = listen();
    await settle();
    event(1);
    expect(heard).toBe(1);
  });

  test("wait in order for a loop that is slow: 10 000 of them, and with one more the loop ends with an error", async () => {
    const { stream, event } = follow();
    const slow = stream[Symbol.asyncIterator]();
    await settle();
    for (let seq = 1; seq <= 10_000; seq += 1) event(seq);
    expect((await slow.next()).value).toMatchObject({ data: 1 });
    event(10_001);
    expect((await slow.next()).value).toMatchObject({ data: 2 });
    event(10_002);
    event(10_003);
    await expect(slow.next()).rejects.toThrow("lastEventId");
  });

  test("that are no CloudEvents are handed on as they came", async () => {
    const { stream, frame } = follow();
    const loop = stream[Symbol.asyncIterator]();
    await settle();
    frame({ id: idOf(1), data: "plain" });
    expect((await loop.next()).value).toMatchObject({ id: idOf(1), type: "", data: "plain" });
  });
});

describe("schemas", () => {
  const schema = { "order.paid": z.object({ amount: z.number() }) };

  test("say what the data is, in types and in values", async () => {
    const { stream, event } = follow({ schema, onInvalid: "ignore" });
    const amounts: number[] = [];
    stream.on("order.paid", ({ data, type }) => {
      expectTypeOf(type).toEqualTypeOf<"order.paid">();
      expectTypeOf(data).toEqualTypeOf<{ amount: number }>();
      amounts.push(data.amount);
    });
    await settle();
    event(1, { data: { amount: 7, more: true } });
    expect(amounts).toEqual([7]);
  });

  test("an event that does not fit is told as such, and the next one comes", async () => {
    const invalid: unknown[] = [];
    const { stream, event } = follow({ schema, onInvalid: (each) => invalid.push(each) });
    const all = collect(stream);
    event(1, { data: { amount: "seven" } });
    event(2, { data: { amount: 8 } });
    event(3, { type: "order.sent", data: "no schema" });
    await settle();
    stream.close();
    expect(await all).toEqual([{ amount: 8 }, "no schema"]);
    expect(invalid).toMatchObject([{ event: { id: idOf(1) }, issues: [{ path: ["amount"] }] }]);
  });

  test("that say both a value and what is wrong with it have refused it", async () => {
    const both = { value: "half read", issues: [{ message: "no" }] } as unknown as StandardSchemaV1.Result<unknown>;
    const half: StandardSchemaV1 = { "~standard": { version: 1, vendor: "test", validate: () => both } };
    const invalid: unknown[] = [];
    const { event } = follow({ schema: { "order.paid": half }, onInvalid: ({ issues }) => invalid.push(...issues) });
    event(1);
    await settle();
    expect(invalid).toEqual([{ message: "no" }]);
  });

  test("that take their time, or throw, keep events in order and lose none", async () => {
    const invalid: string[] = [];
    const late: StandardSchemaV1 = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate(value) {
          if (value === 2) throw new Error("a fault of the schema's");
          return value === 1
            ? new Promise((resolve) => setImmediate(() => resolve({ value: "one, late" })))
            : { value };
        },
      },
    };
    const { stream, event } = follow({
      schema: { "order.paid": late },
      onInvalid: ({ issues }) => invalid.push(String(issues[0]?.message)),
    });
    const all = collect(stream);
    await settle();
    for (const seq of [1, 2, 3]) event(seq);
    stream.close();
    expect(await all).toEqual(["one, late", 3]);
    expect(invalid).toEqual(["Error: a fault of the schema's"]);
  });
});

test("what is missing in the types' choice does not compile", () => {
  const { onGap: _gap, ...noGap } = IGNORE;
  const { onReset: _reset, ...noReset } = IGNORE;
  const { onDegraded: _degraded, ...noDegraded } = IGNORE;
  const never = (): void => {
    // @ts-expect-error A gap must be decided about.
    connect(noGap);
    // @ts-expect-error A reset must be decided about.
    connect(noReset);
    // @ts-expect-error A held stream must be decided about.
    connect(noDegraded);
    // @ts-expect-error With schemas, events that do not fit must be decided about.
    connect({ ...IGNORE, schema: { "a.b": z.string() } });
    connect({ ...IGNORE, schema: { "a.b": z.string() }, onInvalid: "ignore" }).close();
  };
  expect(never).toBeTypeOf("function");
});

describe("what must not be overlooked", () => {
  test("is told to its function, and to listeners by its name", async () => {
    const told: unknown[] = [];
    const { stream, frame } = follow({
      onGap: (gap) => told.push(gap),
      onReset: (reset) => told.push(reset),
      onDegraded: (degraded) => told.push(degraded),
    });
    stream.on("gap", ({ reason }) => told.push(reason));
    const gap = { from: idOf(1), to: idOf(5), reason: "retention" };
    frame({ event: "gap", id: idOf(5), data: JSON.stringify(gap) });
    frame({ event: "reset", data: '{"reason":"epoch"}' });
    frame({ event: "degraded", data: '{"reason":"log"}' });
    expect(told).toEqual([gap, "retention", { reason: "epoch" }, { reason: "log" }]);
  });
});

describe("an end", () => {
  test("for another reason than `close` is an error of each loop, behind its last event", async () => {
    const { stream, event, become } = follow();
    const loop = stream[Symbol.asyncIterator]();
    await settle();
    event(1);
    become({ name: "ended", reason: "revoked" });
    expect((await loop.next()).value).toMatchObject({ data: 1 });
    await expect(loop.next()).rejects.toMatchObject({ name: "StreamEndedError", reason: "revoked" });
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ reason: "revoked" });
  });
});

describe("the last id", () => {
  test("is kept over a reload where that is asked for, up to the event that was handed on", async () => {
    const environment = createFakeEnvironment();
    const before = follow({ remember: "session" }, environment);
    before.stream.on("order.paid", () => {});
    await settle();
    expect(before.openedBehind).toBeUndefined();
    before.event(1);
    before.event(2);
    environment.sign("suspend");
    expect(follow({ remember: "session" }, environment).openedBehind).toBe(idOf(2));
    expect(follow({ remember: "session", topics: ["b.>"] }, environment).openedBehind).toBeUndefined();
    expect(follow({}, environment).openedBehind).toBeUndefined();
    expect(follow({ remember: "session", lastEventId: idOf(9) }, environment).openedBehind).toBe(idOf(9));
  });
});
