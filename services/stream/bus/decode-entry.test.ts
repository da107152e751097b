import { DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { describe, expect, test } from "vitest";
import { logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { startNats } from "#test/support/start-nats.ts";
import { nanosOf, tagOf } from "#shared/contract/event-tag.ts";
import { decodeEntry, type StoredMessage } from "./decode-entry.ts";

const MAX_BYTES = 1_024;
const STORED_AT = 1_769_860_800_123_456_789n;
const POSITION = { seq: 7, tag: tagOf(STORED_AT) };

describe("an event", () => {
  test("is its topic, its type and its payload", () => {
    expect(decode("events.acme.order.created.42", '{"a":1}')).toEqual({
      kind: "event",
      position: POSITION,
      topic: "order.created.42",
      type: "order.created",
      payload: Buffer.from('{"a":1}'),
      storedAt: 1_769_860_800_123,
      attributes: {},
      frames: undefined,
    });
  });

  test("keeps its message id and its CloudEvents attributes, in lower case, and no other header", () => {
    const given = headers();
    given.set("Nats-Msg-Id", "m-1");
    given.set("CE-Source", "/shop");
    given.set("traceparent", "00-1");
    given.set("Authorization", "secret");
    expect(decode("events.acme.order.created", "x", given)).toMatchObject({
      attributes: { "nats-msg-id": "m-1", "ce-source": "/shop" },
    });
    expect(decode("events.acme.order.created", "x", headers())).toMatchObject({ attributes: {} });
  });

  test("holds a copy of its payload, not a window into what was read with it", () => {
    const chunk = Buffer.from("....payload....");
    const entry = decodeEntry("acme", MAX_BYTES, stored("events.acme.a.b", chunk.subarray(4, 11)));
    chunk.fill("!");
    expect(entry).toMatchObject({ payload: Buffer.from("payload") });
  });

  test("may be as large as the limit, and no larger", () => {
    expect(decode("events.acme.a.b", "x".repeat(MAX_BYTES)).kind).toBe("event");
    expect(decode("events.acme.a.b", "x".repeat(MAX_BYTES + 1))).toEqual(poison("too_large", MAX_BYTES + 1));
  });

  test("may have 64 headers and 16 KB of them, and no more", () => {
    const many = (count: number) => withHeaders(Array.from({ length: count }, (_, index) => `a${index}: x`));
    expect(decode("events.acme.a.b", "x", many(64)).kind).toBe("event");
    expect(decode("events.acme.a.b", "x", many(65))).toEqual(poison("too_large"));
    const long = (bytes: number) => withHeaders([`a: ${"x".repeat(bytes - "a: \r\n".length)}`]);
    expect(decode("events.acme.a.b", "x", long(16_384)).kind).toBe("event");
    expect(decode("events.acme.a.b", "x", long(16_385))).toEqual(poison("too_large"));
  });

  test("of any header names is read in no time", () => {
    const lines = Array.from({ length: 200_000 }, (_, index) => `a b\x01${index}:`);
    expect(decode("events.acme.a.b", "x", withHeaders(lines))).toEqual(poison("too_large"));
    const odd = ["a b: 1", ": 2", "no colon", "ce-\x01é: 3", "ce-a: 4", "ce-a: 5", ""];
    expect(decode("events.acme.a.b", "x", withHeaders(odd))).toMatchObject({
      attributes: { "ce-\x01é": "3", "ce-a": "4" },
    });
  });

  test("says its attributes as CloudEvents' NATS binding encodes them; what encodes nothing stays as it came", () => {
    const lines = [
      "ce-owner: Zo%C3%AB%20Doe",
      'Ce-Source: "/a%25b"',
      "ce-rate: 5%",
      "ce-note: a%0Ab",
      "Nats-Msg-Id: m%2D1",
    ];
    expect(decode("events.acme.a.b", "x", withHeaders(lines))).toMatchObject({
      attributes: {
        "ce-owner": "Zoë Doe",
        "ce-source": "/a%b",
        "ce-rate": "5%",
        "ce-note": "a%0Ab",
        "nats-msg-id": "m%2D1",
      },
    });
  });

  test.each(["", "\0", "\uFEFFtext", "é😀"])("may hold %j", (text) => {
    expect(decode("events.acme.a.b", text)).toMatchObject({ payload: Buffer.from(text) });
  });
});

describe("what cannot be shown", () => {
  test.each(["events.acme.order", "events.acme.order.*", "events.acme.>", "events.acme.a.b\0", "events.acme.a..b"])(
    "is a message on %j",
    (subject) => expect(decode(subject, "x")).toEqual(poison("not_a_topic")),
  );

  test("is a topic of more than eight tokens", () => {
    expect(decode("events.acme.a.b.c.d.e.f.g.h", "x").kind).toBe("event");
    expect(decode("events.acme.a.b.c.d.e.f.g.h.i", "x")).toEqual(poison("not_a_topic"));
  });

  test.each([
    ["bytes of no character", [0xff, 0xfe]],
    ["an overlong line end", [0xc0, 0x8a]],
    ["half a surrogate pair", [0xed, 0xa0, 0x80]],
    ["a character cut in two", [0x61, 0xe2, 0x82]],
  ])("is a payload with %s", (_, bytes) => {
    const entry = decodeEntry("acme", MAX_BYTES, stored("events.acme.a.b", Uint8Array.from(bytes)));
    expect(entry).toEqual(poison("not_utf8", bytes.length));
  });
});

describe("a control entry", () => {
  test.each([
    ["policy", { version: 3, build: "b", roles: ["viewer"] }],
    ["policy", { version: 3, build: "b", all: true }],
    ["session", { sid: "s-1", action: "revoked" }],
    ["session", { sub: "alice", action: "changed" }],
    ["tenant", { state: "suspended" }],
  ])("of %s says %j", (of, entry) => {
    expect(decode(`control.acme.${of}`, JSON.stringify(entry))).toEqual({
      kind: "control",
      storedAt: 1_769_860_800_123,
      position: POSITION,
      change: { of, entry },
    });
  });

  test.each([
    ["control.acme.policy", "not JSON"],
    ["control.acme.policy", ""],
    ["control.acme.policy", '{"version":"3","build":"b"}'],
    ["control.acme.policy", '{"version":3}'],
    ["control.acme.session", '{"sid":"s-1"}'],
    ["control.acme.session", '{"sid":"*","action":"revoked"}'],
    ["control.acme.tenant", '{"state":"gone"}'],
    ["control.acme.later", "{}"],
    ["control.acme.policy.more", '{"version":3,"build":"b"}'],
  ])("that nobody understands may have changed anything: %s %j", (subject, text) => {
    expect(decode(subject, text)).toEqual(unknown());
  });

  test.each(["control.beta.policy", "events.beta0.policy", "else.where.to.policy"])(
    "of another tenant is never taken for one of this tenant: %s",
    (subject) => expect(decode(subject, '{"version":3,"build":"b","all":true}')).toEqual(unknown()),
  );
});

describe("a time of storage", () => {
  test.each([
    ["2026-01-31T12:00:00.123456789Z", STORED_AT],
    ["2026-01-31T12:00:00Z", 1_769_860_800_000_000_000n],
    ["2026-01-31T12:00:00.1Z", 1_769_860_800_100_000_000n],
    ["2026-01-31T12:00:00.12345678Z", 1_769_860_800_123_456_780n],
    ["2026-01-31T12:00:00.000000001Z", 1_769_860_800_000_000_001n],
    ["2026-01-31T13:00:00.5+01:00", 1_769_860_800_500_000_000n],
    ["2026-01-31T07:00:00.5-05:00", 1_769_860_800_500_000_000n],
    ["2026-01-31T07:00:00-05:00", 1_769_860_800_000_000_000n],
    ["1970-01-01T00:00:00Z", 0n],
  ])("is read to the nanosecond: %s", (text, nanos) => expect(nanosOf(text)).toBe(nanos));

  test("makes a tag of up to seven characters of an id, another one for another nanosecond", () => {
    expect(tagOf(STORED_AT)).toMatch(/^[a-z0-9]{1,7}$/);
    expect(tagOf(STORED_AT + 1n)).not.toBe(tagOf(STORED_AT));
  });

  test("is the same from a consumer, a direct read and the leader", async () => {
    await using server = await startNats();
    await using nats = await connectAs(server, "policy");
    const jsm = await jetstreamManager(nats);
    const stream = logStreamName("acme");
    await jsm.streams.add({ name: stream, subjects: logSubjects("acme"), allow_direct: true });
    const count = 30;
    for (let index = 0; index < count; index += 1) await jetstream(nats).publish("control.acme.policy", "{}");

    const consumer = await jetstream(nats).consumers.get(stream, { deliver_policy: DeliverPolicy.All });
    const consumed: bigint[] = [];
    for await (const message of await consumer.fetch({ max_messages: count })) consumed.push(message.timestampNanos);
    const direct: bigint[] = [];
    for await (const message of await jsm.direct.getBatch(stream, { seq: 1, batch: count })) {
      direct.push(nanosOf(message.timestamp));
    }
    const leader: bigint[] = [];
    for (let seq = 1; seq <= count; seq += 1) {
      const message = await jsm.streams.getMessage(stream, { seq });
      leader.push(nanosOf(message?.timestamp ?? ""));
    }
    expect(consumed).toHaveLength(count);
    expect(direct).toEqual(consumed);
    expect(leader).toEqual(consumed);
    expect(new Set(consumed).size).toBe(count);
  });
});

function decode(subject: string, text: string, given?: MsgHdrs | Buffer) {
  const block = given === undefined || Buffer.isBuffer(given) ? given : encoded(given);
  return decodeEntry("acme", MAX_BYTES, stored(subject, Buffer.from(text), block));
}

function encoded(given: MsgHdrs): Buffer {
  return withHeaders(given.keys().map((name) => `${name}: ${given.get(name)}`));
}

function stored(subject: string, data: Uint8Array, published?: Buffer): StoredMessage {
  return { subject, seq: 7, data, storedAtNanos: STORED_AT, headers: published };
}

/** A block of headers as a producer may write it by hand. */
function withHeaders(lines: readonly string[]): Buffer {
  return Buffer.from(`NATS/1.0\r\n${lines.join("\r\n")}\r\n\r\n`);
}

function poison(reason: string, bytes = 1) {
  return { kind: "poison", position: POSITION, reason, bytes };
}

function unknown() {
  return { kind: "control", position: POSITION, storedAt: 1_769_860_800_123, change: { of: "unknown" } };
}
