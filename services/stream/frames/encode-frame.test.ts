import { describe, expect, test } from "vitest";
import { eventOf } from "#test/rigs/event-entry.ts";
import type { EventEntry } from "../event.ts";
import { compileMasks } from "./field-mask.ts";
import { encodeControl, encodeEvent, type FrameFormat } from "./encode-frame.ts";

const RAW: FrameFormat = { body: "raw", naming: "message", framing: "sse" };
const CLOUD: FrameFormat = { body: "cloudevents", naming: "message", framing: "sse" };

describe("the trace of an event", () => {
  const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const traceIn = (attributes: Record<string, string>): unknown => {
    const [, data = ""] = frame({ ...entryOf("1"), attributes }, CLOUD).split("data: ");
    return (JSON.parse(data) as Record<string, unknown>)["traceparent"];
  };

  test("stands in its envelope, and what its producer says in the event itself wins", () => {
    expect(traceIn({ traceparent: TRACE })).toBe(TRACE);
    expect(traceIn({ traceparent: TRACE, "ce-traceparent": "theirs" })).toBe("theirs");
  });

  test("is left out where there is none, or a malformed one", () => {
    expect(traceIn({})).toBeUndefined();
    expect(traceIn({ traceparent: `${TRACE}x` })).toBeUndefined();
    expect(frame({ ...entryOf("1"), attributes: { traceparent: TRACE } })).not.toContain("trace");
  });
});

describe("an event's frame", () => {
  test("is its id and its payload as published", () => {
    expect(frame(entryOf('{"a":1}'))).toBe('id: epoch123.7.tag\ndata: {"a":1}\n\n');
  });

  test("carries the event type as its name where that was asked for", () => {
    const format = { ...RAW, naming: "named" } as const;
    expect(frame(entryOf("x"), format)).toBe("event: order.created\nid: epoch123.7.tag\ndata: x\n\n");
  });

  test.each([
    ["LF", "a\nb", "data: a\ndata: b"],
    ["CR", "a\rb", "data: a\ndata: b"],
    ["CR LF", "a\r\nb", "data: a\ndata: b"],
    ["LF CR", "a\n\rb", "data: a\ndata: \ndata: b"],
    ["a line end at the end", "a\n", "data: a\ndata: "],
    ["line ends alone", "\n\r\n\r", "data: \ndata: \ndata: \ndata: "],
    ["an id of its own", "a\n\nid: 9\nretry: 1\n\n", "data: a\ndata: \ndata: id: 9\ndata: retry: 1\ndata: \ndata: "],
    ["a space in front, which parsers strip once", " a", "data:  a"],
    ["nothing", "", "data: "],
    ["NUL, U+2028, NEL and a BOM, which end no line", "\uFEFFa\0b\u2028c\u0085d", "data: \uFEFFa\0b\u2028c\u0085d"],
  ])("holds %s inside its data", (_, payload, data) => {
    expect(frame(entryOf(payload))).toBe(`id: epoch123.7.tag\n${data}\n\n`);
  });

  test("is encoded once for everybody with the same format", () => {
    const entry = entryOf("x");
    expect(encodeEvent("acme", "epoch123", entry, RAW)).toBe(encodeEvent("acme", "epoch123", entry, { ...RAW }));
    expect(encodeEvent("acme", "epoch123", entry, CLOUD)).not.toBe(encodeEvent("acme", "epoch123", entry, RAW));
  });
});

describe("an event's frame without the fields of a mask", () => {
  const maskOf = (...paths: string[]) => compileMasks([paths])(1);

  test("is encoded once for everybody with a mask of the same fields", () => {
    const entry = entryOf('{"a":1,"b":2}');
    const masked = encodeEvent("acme", "epoch123", entry, RAW, maskOf("a"));
    expect(masked?.toString()).toBe('id: epoch123.7.tag\ndata: {"b":2}\n\n');
    expect(encodeEvent("acme", "epoch123", entry, RAW, maskOf("a"))).toBe(masked);
    expect(encodeEvent("acme", "epoch123", entry, RAW, maskOf("b"))).not.toBe(masked);
    expect(encodeEvent("acme", "epoch123", entry, RAW).toString()).toContain('{"a":1,"b":2}');
  });

  test("is never another format's, whatever its fields are called", () => {
    const entry = entryOf('{"deflate":1,"a":2,"b":3}');
    const deflated = { ...RAW, framing: "websocket deflate" } as const;
    const frames = [
      encodeEvent("acme", "epoch123", entry, deflated),
      encodeEvent("acme", "epoch123", entry, { ...RAW, framing: "websocket" }, maskOf("deflate")),
      encodeEvent("acme", "epoch123", entry, deflated, maskOf("a")),
      encodeEvent("acme", "epoch123", entry, { ...RAW, framing: "websocket" }, maskOf("deflate", "a")),
    ];
    expect(
      frames.map((each) => /"data":"(?<data>.*)"\}/.exec(String(each))?.groups?.["data"]?.replaceAll("\\", "")),
    ).toEqual(['{"deflate":1,"a":2,"b":3}', '{"a":2,"b":3}', '{"deflate":1,"b":3}', '{"b":3}']);
  });

  test("is a CloudEvents envelope around what is left", () => {
    const masked = encodeEvent("acme", "epoch123", entryOf('{"a":1,"b":2}'), CLOUD, maskOf("a", "data"));
    expect(masked?.toString()).toContain('"data":{"b":2}}');
  });

  test.each(["a: 1", '{"a":1}\n{"a":2}', '{"a":1', ""])("is none where its data is no JSON: %j", (payload) => {
    expect(encodeEvent("acme", "epoch123", entryOf(payload), CLOUD, maskOf("a"))).toBeUndefined();
  });
});

describe("a CloudEvents envelope", () => {
  test("holds the attributes of the specification and the payload as JSON", () => {
    expect(cloudEvent(entryOf('{"a":1}'))).toEqual({
      specversion: "1.0",
      id: "epoch123.7.tag",
      source: "/tenants/acme",
      type: "order.created",
      subject: "order.created.42",
      time: "2026-01-31T12:00:00.000Z",
      datacontenttype: "application/json",
      data: { a: 1 },
    });
  });

  test("holds text that is not JSON as a string", () => {
    expect(cloudEvent(entryOf("a\r\nb"))).toMatchObject({ datacontenttype: "text/plain", data: "a\r\nb" });
  });

  test("keeps JSON as it was published, also numbers that JavaScript cannot hold", () => {
    const text = frame(entryOf('{"id":12345678901234567890,\n"price":1.10}'), CLOUD);
    expect(text).toContain("12345678901234567890");
    expect(text).toContain('"price":1.10');
    expect(cloudEvent(entryOf('{"id":1,\r"b":\n2}'))).toMatchObject({ data: { id: 1, b: 2 } });
  });

  test("takes the producer's own attributes and message id", () => {
    const attributes = { "nats-msg-id": "m-1", "ce-source": "/shop", "ce-type": "shop.order", "ce-trace": "t" };
    expect(cloudEvent(entryOf("null", attributes))).toMatchObject({
      id: "m-1",
      source: "/shop",
      type: "shop.order",
      trace: "t",
      data: null,
    });
  });

  test("has one payload, whatever attributes the producer set", () => {
    const text = frame(entryOf('{"real":true}', { "ce-data": "forged" }), CLOUD);
    expect(text).not.toContain("forged");
    expect(text.match(/"data":/g)).toHaveLength(1);
  });
});

describe("a frame of our own", () => {
  test("has a name, JSON data, and an id where it carries one", () => {
    expect(encodeControl(RAW, "session", { expiresAt: "x\ny" }).toString()).toBe(
      'event: session\ndata: {"expiresAt":"x\\ny"}\n\n',
    );
    expect(encodeControl(RAW, "cursor", "", { id: "epoch123.7.tag" }).toString()).toBe(
      "event: cursor\nid: epoch123.7.tag\ndata: \n\n",
    );
  });

  test("says in a line of its own when to come back", () => {
    expect(encodeControl(RAW, "bye", { reason: "slow", retryMs: 1_500 }).toString()).toBe(
      'retry: 1500\nevent: bye\ndata: {"reason":"slow","retryMs":1500}\n\n',
    );
  });
});

function frame(entry: EventEntry, format = RAW): string {
  return encodeEvent("acme", "epoch123", entry, format).toString();
}

function cloudEvent(entry: EventEntry): object {
  const data = frame(entry, CLOUD)
    .split("\n")
    .filter((line) => line.startsWith("data: "));
  return JSON.parse(data.map((line) => line.slice("data: ".length)).join("\n"));
}

function entryOf(payload: string, attributes: Record<string, string> = {}): EventEntry {
  return { ...eventOf(payload, attributes), storedAt: Date.UTC(2026, 0, 31, 12), frames: new Map() };
}
