import { describe, expect, test } from "vitest";
import { parseEvents } from "./parse-events.ts";

const LIMITS = { maxEvents: 3, maxEventBytes: 1_000 };
const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const JSON_TYPE = { "content-type": "application/json" };
const CLOUD_EVENT = { "content-type": "application/cloudevents+json; charset=UTF-8" };
const BATCH = { "content-type": "application/cloudevents-batch+json" };

const parse = (body: unknown, headers: Readonly<Record<string, string>> = JSON_TYPE) => {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return parseEvents({ headers, body: bytes }, LIMITS).map(({ payload, ...event }) => ({
    ...event,
    payload: payload.toString("utf8"),
  }));
};

const refusal = (body: unknown, headers?: Readonly<Record<string, string>>): string => {
  try {
    return JSON.stringify(parse(body, headers));
  } catch (error) {
    const { code, message } = error as { readonly code: string; readonly message: string };
    return `${code}: ${message}`;
  }
};

const cloudEvent = { specversion: "1.0", id: "e1", source: "/shop", type: "order.created", subject: "42" };

describe("an event in our own format", () => {
  test("has the topic of its type and key, and its data as it was written", () => {
    const text = '{"type":"order.created","key":"42.eu","data": {"sum": 12345678901234567890, "n":1.50},"id":"e1"}';
    expect(parse(text, { ...JSON_TYPE, traceparent: TRACE })).toEqual([
      {
        id: "e1",
        topic: "order.created.42.eu",
        type: "order.created",
        payload: '{"sum": 12345678901234567890, "n":1.50}',
        attributes: { id: "e1" },
        traceparent: TRACE,
      },
    ]);
  });

  test("encodes names that are given as a list, each as one token", () => {
    const [event] = parse({ type: "order.created", key: ["jane@acme.com", "*"], data: null });
    expect(event).toMatchObject({ topic: "order.created.jane%40acme%2Ecom.%2A", payload: "null" });
  });

  test("has attributes as texts, and gets an id where it brings none: by the request's key the same each time", () => {
    const event = { type: "order.created", data: 1, attributes: { region: "eu", sum: 7, vip: true, gone: null } };
    const keyed = { ...JSON_TYPE, "idempotency-key": '"K-1"' };
    const [one, two] = [parse([event, event], keyed), parse([event, event], keyed)];
    expect(one).toEqual(two);
    expect(one[0]?.id).not.toBe(one[1]?.id);
    expect(parse([event, event], { ...keyed, "idempotency-key": "K-1" })).toEqual(one);
    expect(parse(event)[0]?.id).not.toBe(parse(event)[0]?.id);
    expect(one[0]?.attributes).toEqual({ region: "eu", sum: "7", vip: "true", id: one[0]?.id });
  });

  test.each([
    ["no JSON", "{", "malformed_request: the body is not JSON"],
    ["bytes that are no text", Buffer.from([0x22, 0xff, 0x22]), "malformed_request: the body must be UTF-8"],
    ["no data", { type: "a.b" }, 'malformed_request: "data" is missing'],
    [
      "an unknown field",
      { type: "a.b", data: 1, topic: "x" },
      'malformed_request: the event: Unrecognized key: "topic"',
    ],
    ["a type of three tokens", { type: "a.b.c", data: 1 }, 'malformed_topic: "type" must be'],
    ["a wildcard as the type", { type: "a.*", data: 1 }, 'malformed_topic: "type" must be'],
    ["a wildcard in the key", { type: "a.b", key: "x.>", data: 1 }, 'malformed_topic: "key" must be'],
    ["an empty token in the key", { type: "a.b", key: "x..y", data: 1 }, 'malformed_topic: "key" must be'],
    ["a key of seven tokens", { type: "a.b", key: "1.2.3.4.5.6.7", data: 1 }, 'malformed_topic: "key" must be'],
    ["a key with a second spelling", { type: "a.b", key: "%61", data: 1 }, "as one name it is %2561"],
    ["half a character in the key", { type: "a.b", key: ["\uD800"], data: 1 }, "malformed_topic"],
    ["an empty id", { type: "a.b", id: "", data: 1 }, 'malformed_request: "id" must be'],
    ["an id of 257 bytes", { type: "a.b", id: "x".repeat(257), data: 1 }, 'malformed_request: "id" must be'],
    [
      "an attribute of the bus",
      { type: "a.b", data: 1, attributes: { "Nats-Rollup": "all" } },
      "is no name of an attribute",
    ],
    [
      "an attribute with a line end",
      { type: "a.b", data: 1, attributes: { a: "x\r\nNats-TTL: 1s" } },
      "control character",
    ],
    ["an attribute that is an object", { type: "a.b", data: 1, attributes: { a: {} } }, '"a" must be a text'],
    [
      "another type as an attribute",
      { type: "a.b", data: 1, attributes: { type: "c.d" } },
      '"attributes.type" is said',
    ],
    [
      "another subject as an attribute",
      { type: "a.b", data: 1, attributes: { subject: "x" } },
      '"attributes.subject" is said',
    ],
    ["an empty list", [], "malformed_request: there is no event in the batch"],
    [
      "a fault in the second of a list",
      [{ type: "a.b", data: 1 }, { type: "a.b" }],
      'malformed_request: events[1]: "data" is missing',
    ],
  ])("is refused for %s", (_what, body, said) => {
    expect(refusal(body)).toContain(said);
  });

  test("may have as many attributes as an edge reads, and not one more", () => {
    const withAttributes = (count: number) => ({
      type: "a.b",
      data: 1,
      attributes: Object.fromEntries(Array.from({ length: count }, (_, place) => [`a${place}`, "x"])),
    });
    expect(parse(withAttributes(58))).toHaveLength(1);
    expect(refusal(withAttributes(59))).toContain("limit_exceeded: an event may have 59 attributes");
    const withBytes = (bytes: number) => ({ type: "a.b", id: "i", data: 1, attributes: { a: "x".repeat(bytes) } });
    const around = Buffer.byteLength("ce-a: \r\nce-id: i\r\n");
    expect(parse(withBytes(16 * 1_024 - 256 - around))).toHaveLength(1);
    expect(refusal(withBytes(16 * 1_024 - 256 - around + 1))).toContain("limit_exceeded");
  });

  test("may be as large as an event may be, and a list as long as a batch", () => {
    const sized = (bytes: number) => ({ type: "a.b", data: "x".repeat(bytes - 2) });
    expect(parse(sized(1_000))).toHaveLength(1);
    expect(refusal(sized(1_001))).toContain("limit_exceeded: an event's data may have 1000 bytes");
    const list = (count: number) => Array.from({ length: count }, () => ({ type: "a.b", data: 1 }));
    expect(parse(list(3))).toHaveLength(3);
    expect(refusal(list(4))).toContain("limit_exceeded: a batch may have 3 events, not 4");
  });

  test("may be nested as deep as its body is long", () => {
    const deep = "[".repeat(400) + "]".repeat(400);
    expect(parse(`{"type":"a.b","data":${deep}}`)[0]?.payload).toBe(deep);
    expect(refusal("[".repeat(500_000))).toContain("malformed_request: the body is not JSON");
    expect(refusal("[".repeat(200_000) + "]".repeat(200_000))).toContain("malformed_request");
  });
});

describe("a CloudEvent", () => {
  test("has its type and subject as the topic, and keeps its attributes", () => {
    const event = { ...cloudEvent, time: "2026-01-31T18:00:00Z", region: "eu", data: { a: 1 } };
    const expected = {
      id: "e1",
      topic: "order.created.42",
      type: "order.created",
      payload: '{"a":1}',
      attributes: { ...cloudEvent, time: "2026-01-31T18:00:00Z", region: "eu" },
      traceparent: undefined,
    };
    expect(parse(event, CLOUD_EVENT)).toEqual([expected]);
    expect(parse([event], BATCH)).toEqual([expected]);
  });

  test("has data as JSON, as text, as bytes, or none", () => {
    const payloadOf = (fields: object): string => parse({ ...cloudEvent, ...fields }, CLOUD_EVENT)[0]?.payload ?? "";
    expect(payloadOf({ data: "text" })).toBe('"text"');
    expect(payloadOf({ datacontenttype: "application/problem+json", data: "text" })).toBe('"text"');
    expect(payloadOf({ datacontenttype: "text/plain", data: "text" })).toBe("text");
    expect(payloadOf({ data_base64: Buffer.from("é").toString("base64") })).toBe("é");
    expect(payloadOf({})).toBe("");
  });

  test("may have its attributes in headers, percent-encoded, and its data as the body", () => {
    const headers = {
      "content-type": "text/plain",
      "ce-specversion": "1.0",
      "ce-id": "e%201",
      "ce-source": '"/shop"',
      "ce-type": "order.created",
      "ce-subject": "jane%2540acme%252Ecom",
      traceparent: "garbage",
    };
    expect(parse("plain text", headers)).toEqual([
      {
        id: "e 1",
        topic: "order.created.jane%40acme%2Ecom",
        type: "order.created",
        payload: "plain text",
        attributes: {
          specversion: "1.0",
          id: "e 1",
          source: "/shop",
          type: "order.created",
          subject: "jane%40acme%2Ecom",
          datacontenttype: "text/plain",
        },
        traceparent: undefined,
      },
    ]);
  });

  test.each([
    ["no source", { ...cloudEvent, source: undefined }, CLOUD_EVENT, 'must have "source"'],
    ["another version", { ...cloudEvent, specversion: "0.3" }, CLOUD_EVENT, '"specversion" must be "1.0"'],
    ["a subject that is no token", { ...cloudEvent, subject: "a/b" }, CLOUD_EVENT, "as one name it is a%2Fb"],
    ["two kinds of data", { ...cloudEvent, data: 1, data_base64: "" }, CLOUD_EVENT, "either"],
    ["bytes that are no text", { ...cloudEvent, data_base64: "/w==" }, CLOUD_EVENT, "UTF-8"],
    ["bytes that are no base64", { ...cloudEvent, data_base64: "*" }, CLOUD_EVENT, "must be base64"],
    [
      "text data that is none",
      { ...cloudEvent, datacontenttype: "text/plain", data: {} },
      CLOUD_EVENT,
      "must be a text",
    ],
    ["a list as one event", [cloudEvent], CLOUD_EVENT, "an event must be an object"],
    ["one event as a batch", cloudEvent, BATCH, "a batch must be a list"],
    ["a fault in a batch", [cloudEvent, { ...cloudEvent, id: "" }], BATCH, 'events[1]: a CloudEvent must have "id"'],
    ["a header that ends in a percent sign", "1", { "ce-specversion": "1.0", "ce-id": "5%" }, "write %25"],
    [
      "a charset",
      cloudEvent,
      { "content-type": "application/cloudevents+json; charset=latin1" },
      "unsupported_media_type",
    ],
    ["another form", cloudEvent, { "content-type": "application/xml" }, "unsupported_media_type"],
    ["no form", cloudEvent, {}, "unsupported_media_type"],
    ["a key that is none", { type: "a.b", data: 1 }, { ...JSON_TYPE, "idempotency-key": "a b" }, "Idempotency-Key"],
  ])("is refused for %s", (_what, body, headers, said) => {
    expect(refusal(body, headers as Record<string, string>)).toContain(said);
  });
});
