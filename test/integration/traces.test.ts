import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { headers as createHeaders } from "@nats-io/transport-node";
import type { ReceivedSpan } from "#test/support/decode-spans.ts";
import { openEventStream } from "#test/support/event-stream.ts";
import { type Publish, publisherAt } from "#test/support/publisher.ts";
import { type SpanRoad, startSpanRoad } from "#test/support/start-collector.ts";
import { type OtlpReceiver, startOtlpReceiver } from "#test/support/start-otlp-receiver.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

let receiver: OtlpReceiver;
let road: SpanRoad;
let stack: Stack;
let publish: Publish;
let toEdge: Publish;
let tokens: { readonly alice: string; readonly carol: string };

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  road = await startSpanRoad(receiver);
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: road.url, OTEL_BSP_SCHEDULE_DELAY: "20" };
  stack = await startStack({ auth: traced, policy: traced, stream: traced });
  [publish, toEdge] = [publisherAt(await stack.startPublish(traced)), publisherAt(stack.edge)];
  const [alice, carol] = await Promise.all([stack.login("alice"), stack.login("carol")]);
  tokens = { alice: alice.access_token, carol: carol.access_token };
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await road[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

/** A trace of its own, by its last digit, recorded or not. */
const traceOf = (digit: string, flags: string) => `00-${digit.padStart(32, "0")}-b7ad6b7169203331-${flags}`;

const spansOf = (traceparent: string): ReceivedSpan[] =>
  receiver.spans.filter(({ traceId }) => traceId === traceparent.split("-")[1]);

/** The span of this name and service in a trace, once it has come. */
const spanOf = (
  traceparent: string,
  service: string,
  name: string,
  filter: (span: ReceivedSpan) => boolean = () => true,
) =>
  waitFor(`${service} sends ${name}`, () =>
    spansOf(traceparent).find((span) => span.service === `sluice-${service}` && span.name === name && filter(span)),
  );

const issue = (key: string) => ({ type: "issues.opened", key, data: { key } });

const openStream = (more: { headers?: Record<string, string>; query?: string } = {}) =>
  openEventStream(`${stack.streamUrl}/v1/stream?topic=issues.>&format=cloudevents${more.query ?? ""}`, {
    token: tokens.alice,
    ...(more.headers && { headers: more.headers }),
  });

describe("a recorded trace", () => {
  test("goes from the publisher over policy, auth and the log to the frame", async () => {
    const trace = traceOf("1", "01");
    await using stream = await openStream();
    await stream.frame("ready");
    // The first event is decided with policy's help, the second from memory.
    await publish(tokens.carol, issue("first"));
    await stream.frame(({ data }) => data.includes("first"));
    expect((await publish(tokens.carol, issue("traced"), { traceparent: trace })).status).toBe(200);
    const frame = await stream.frame(({ data }) => data.includes("traced"));
    const request = await spanOf(trace, "publish", "POST /v1/events");
    expect(request).toMatchObject({ kind: 2, parentSpanId: trace.split("-")[2] });
    for (const [service, method] of [
      ["auth", "auth.v1.SessionService/CheckSessions"],
      ["policy", "policy.v1.DecisionService/CheckBatch"],
    ] as const) {
      const asked = await spanOf(trace, "publish", method);
      const answered = await spanOf(trace, service, method);
      expect([asked.parentSpanId, answered.parentSpanId]).toEqual([request.spanId, asked.spanId]);
      expect([asked.kind, answered.kind]).toEqual([3, 2]);
      expect(answered.attributes).toMatchObject({ "rpc.system.name": "grpc", "rpc.response.status_code": "OK" });
    }
    const sent = await spanOf(trace, "publish", "send events");
    expect(sent).toMatchObject({ kind: 4, parentSpanId: request.spanId });
    expect(JSON.parse(frame.data)).toMatchObject({ traceparent: `00-${sent.traceId}-${sent.spanId}-01` });
    const processed = await spanOf(trace, "stream", "process events");
    expect(processed).toMatchObject({
      kind: 5,
      parentSpanId: sent.spanId,
      attributes: { "sluice.event.type": "issues.opened", "sluice.tenant": "demo", "sluice.event.id": frame.id },
    });
    const decided = await spanOf(trace, "stream", "decide");
    expect(decided.parentSpanId).toBe(processed.spanId);
    expect(decided.attributes).toMatchObject({
      "sluice.decision.outcome": "allowed",
      "sluice.decision.source": "memory",
      "sluice.policy.version": expect.any(Number),
      "sluice.grant.roles": expect.arrayContaining([expect.any(String)]),
    });
    const flushed = await spanOf(trace, "stream", "flush");
    expect(flushed).toMatchObject({ parentSpanId: processed.spanId, attributes: { "sluice.streams": 1 } });
    expect(JSON.stringify(spansOf(trace), (_, value: unknown) => (typeof value === "bigint" ? 0 : value))).not.toMatch(
      /alice|carol|127\.0\.0\.1/,
    );
  });

  test("of a producer on the bus goes on at the edge, for those who come later too", async () => {
    const [trace, late] = [traceOf("2", "01"), traceOf("9", "01")];
    await using stream = await openStream();
    const { id: before = "" } = await stream.frame("ready");
    const headers = createHeaders();
    headers.set("traceparent", trace);
    const { js } = await stack.bus("demo");
    await js.publish("events.demo.issues.opened.bus", "{}", { headers });
    const isTraced = ({ data }: { readonly data: string }) => data.includes("issues.opened.bus");
    expect(JSON.parse((await stream.frame(isTraced)).data)).toMatchObject({ traceparent: trace });
    const isLive = ({ attributes }: ReceivedSpan) => attributes["sluice.reader"] === "live";
    const live = await spanOf(trace, "stream", "process events", isLive);
    expect(live.parentSpanId).toBe(trace.split("-")[2]);
    const later = await openStream({ headers: { traceparent: late, "last-event-id": before } });
    await later.frame(isTraced);
    await later[Symbol.asyncDispose]();
    const behind = await spanOf(trace, "stream", "process events", (span) => !isLive(span));
    expect(behind).toMatchObject({ parentSpanId: live.parentSpanId, attributes: { "sluice.reader": "behind" } });
    expect(behind.links).toEqual([(await spanOf(late, "stream", "stream")).spanId]);
  });

  test("of a stream names its handshake, its calls and its end, and flushes are linked to it", async () => {
    const [trace, event] = [traceOf("3", "00"), traceOf("4", "01")];
    const stream = await openStream({ headers: { traceparent: trace } });
    await stream.frame("ready");
    await publish(tokens.carol, issue("linked"), { traceparent: event });
    await stream.frame(({ data }) => data.includes("linked"));
    await stream[Symbol.asyncDispose]();
    const [handshake, opened] = await Promise.all([
      spanOf(trace, "stream", "GET /v1/stream"),
      spanOf(trace, "stream", "stream"),
    ]);
    expect(handshake).toMatchObject({ kind: 2, attributes: { "http.response.status_code": 200 } });
    const resolved = await spanOf(trace, "stream", "policy.v1.DecisionService/Resolve");
    expect([opened.parentSpanId, resolved.parentSpanId]).toEqual([handshake.spanId, handshake.spanId]);
    expect(opened.events.map(({ name }) => name)).toEqual(["created", "aborted"]);
    expect(opened.attributes).toMatchObject({
      "sluice.stream.end_reason": "gone",
      "sluice.stream.events_sent": expect.any(Number),
    });
    await spanOf(event, "stream", "flush", ({ links }) => links.includes(opened.spanId));
  });

  test("at the edge's door for events goes on at the publisher", async () => {
    const trace = traceOf("5", "01");
    expect((await toEdge(tokens.carol, issue("door"), { traceparent: trace })).status).toBe(200);
    const [door, request] = await Promise.all([
      spanOf(trace, "stream", "POST /v1/events"),
      spanOf(trace, "publish", "POST /v1/events"),
    ]);
    expect(request.parentSpanId).toBe(door.spanId);
  });
});

describe("a trace that nobody records", () => {
  test("of a producer leaves no span, and stands in the frame all the same", async () => {
    const trace = traceOf("6", "00");
    await using stream = await openStream();
    await stream.frame("ready");
    await publish(tokens.carol, issue("silent"), { traceparent: trace });
    const frame = await stream.frame(({ data }) => data.includes("silent"));
    expect(JSON.parse(frame.data)).toMatchObject({ traceparent: trace });
    const marker = traceOf("7", "01");
    await publish(tokens.carol, issue("marker"), { traceparent: marker });
    await spanOf(marker, "stream", "flush");
    expect(spansOf(trace)).toEqual([]);
  });

  test("that is malformed is none", async () => {
    await using stream = await openStream();
    await stream.frame("ready");
    const { js } = await stack.bus("demo");
    const headers = createHeaders();
    headers.set("traceparent", `${traceOf("8", "01")}-${"x".repeat(8_000)}`);
    headers.set("tracestate", "y".repeat(4_000));
    await js.publish("events.demo.issues.opened.huge", "{}", { headers });
    const frame = await stream.frame(({ data }) => data.includes("issues.opened.huge"));
    expect(JSON.parse(frame.data)).not.toHaveProperty("traceparent");
  });
});
