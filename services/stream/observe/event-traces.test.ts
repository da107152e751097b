import { describe, expect, test } from "vitest";
import { recordingTracer } from "#test/rigs/recording-tracer.ts";
import type { EventEntry } from "../event.ts";
import { EventTraces } from "./event-traces.ts";

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
const LOG = { id: "acme", log: { epoch: "epoch123" } };

const entryOf = (seq: number, attributes: Record<string, string>): EventEntry => ({
  kind: "event",
  position: { seq, tag: "t" },
  topic: "order.created.42",
  type: "order.created",
  payload: Buffer.from("{}"),
  storedAt: 1_000,
  attributes,
  frames: undefined,
});

const open = () => {
  const tracer = recordingTracer();
  return { tracer, traces: new EventTraces(tracer, () => 1_007) };
};

describe("an event", () => {
  test.each([
    ["without a trace", {}],
    ["whose trace nobody records", { traceparent: `${TRACE}-00` }],
    ["whose trace is malformed", { traceparent: `${TRACE}-1` }],
    [
      "whose message says no, whatever the event itself says",
      { traceparent: `${TRACE}-00`, "ce-traceparent": `${TRACE}-01` },
    ],
  ])("%s is not traced", (_, attributes) => {
    const { tracer, traces } = open();
    expect(traces.fed(LOG, entryOf(1, attributes))).toBeUndefined();
    expect(tracer.spans).toEqual([]);
  });

  test("is traced by the message's trace, else by the one that stands in the event itself", () => {
    const { tracer, traces } = open();
    traces.fed(LOG, entryOf(7, { "ce-traceparent": `${TRACE}-01`, "ce-id": "42" }));
    traces.fed(LOG, entryOf(8, { traceparent: TRACE.replace("0af", "0bf") + "-01", "ce-traceparent": `${TRACE}-01` }));
    expect(tracer.spans.map(({ parent }) => parent?.slice(3, 6))).toEqual(["0af", "0bf"]);
    expect(tracer.spans[0]).toMatchObject({
      name: "process events",
      kind: "consumer",
      trust: "producer",
      attributes: {
        "messaging.destination.name": "EVENTS_acme",
        "messaging.message.id": "42",
        "messaging.message.body.size": 2,
        "sluice.event.type": "order.created",
        "sluice.event.id": "epoch123.7.t",
        "sluice.event.age_ms": 7,
      },
    });
  });

  test("tells of 20 audiences one by one, and counts the others", () => {
    const { tracer, traces } = open();
    const trace = traces.fed(LOG, entryOf(1, { traceparent: `${TRACE}-01` }));
    const decided = Array.from({ length: 21 }, () => trace?.decide());
    expect(decided.map((decision) => decision !== undefined)).toEqual([...Array<true>(20).fill(true), false]);
    for (const decision of decided) decision?.end("allowed", {});
    expect(Array.from({ length: 21 }, () => trace?.flush()).filter((flush) => flush !== undefined)).toHaveLength(20);
    trace?.end();
    expect(tracer.spans[0]?.said).toMatchObject({ "sluice.audiences": 21, "sluice.audiences.written": 21 });
    expect(tracer.spans).toHaveLength(41);
  });

  test("links a flush to 100 of the streams that it was written to, and counts all", () => {
    const { tracer, traces } = open();
    const flush = traces.fed(LOG, entryOf(1, { traceparent: `${TRACE}-01` }))?.flush();
    for (let stream = 0; stream < 101; stream += 1) flush?.written(`${TRACE}-01`);
    flush?.written(undefined);
    flush?.end();
    const [, flushed] = tracer.spans;
    expect([flushed?.linked.length, flushed?.said["sluice.streams"]]).toEqual([100, 102]);
    expect(flushed?.parent).toBe(tracer.spans[0]?.traceparent);
  });

  test("that a reader behind was written is traced for that reader", () => {
    const { tracer, traces } = open();
    const traced = { traceparent: `${TRACE}-01` };
    const entries = [entryOf(1, traced), entryOf(2, {}), entryOf(3, traced), entryOf(4, traced)];
    traces.caughtUp(LOG, entries, [entryOf(2, {}).position, entryOf(4, {}).position], `${TRACE}-01`);
    expect(tracer.spans.map(({ attributes, ended }) => [attributes?.["sluice.event.id"], ended])).toEqual([
      ["epoch123.4.t", "ok"],
    ]);
    expect(tracer.spans[0]?.linked).toEqual([`${TRACE}-01`]);
  });
});
