import { getHeapStatistics } from "node:v8";
import { describe, expect, test } from "vitest";
import type { ErrorCode } from "#shared/protocol/problem-codes.ts";
import type { Transport } from "#shared/protocol/transports.ts";
import type { AppError } from "#shared/errors/app-error.ts";
import { collectGarbage } from "#test/support/collect-garbage.ts";
import { parseSubscription } from "./parse-subscription.ts";

describe("the topics of a subscription", () => {
  test("are sorted, without repeats, so that equal wishes are one audience", () => {
    expect(parse("topic=push.event&topic=issues.*&topic=push.event").topics).toEqual(["issues.*", "push.event"]);
  });

  test("may be one", () => expect(parse("topic=order.created").topics).toHaveLength(1));

  test("may be 100", () => expect(parse(manyTopics(100)).topics).toHaveLength(100));

  test("may not be 101, nor 101 times the same", () => {
    expect(refusal(manyTopics(101))).toBe("malformed_topic");
    expect(refusal(Array.from({ length: 101 }, () => "topic=order.created").join("&"))).toBe("malformed_topic");
  });

  test("may not be missing", () => expect(refusal("from=now")).toBe("malformed_topic"));

  test.each([">", "*.*", "order.>", "*.created", "order.*.42", "a.b.c.d.e.f.g.h", `${"x".repeat(64)}.>`])(
    "may be %s",
    (topic) => expect(parse(`topic=${topic}`).topics).toEqual([topic]),
  );

  test.each([
    "",
    "*",
    "order",
    "order..created",
    ".order.created",
    "order.created.",
    "../order",
    "order.>.created",
    "order.cre*",
    "order.created\0",
    "order.created\n",
    "order.cre ated",
    " order.created",
    "order.créé",
    "order/created",
    "$JS.API.>",
    "a.b.c.d.e.f.g.h.i",
    `${"x".repeat(769)}.y`,
    "x".repeat(4_096),
    `order.${"x".repeat(4_096)}`,
  ])("are never %j", (topic) => expect(refusal(new URLSearchParams({ topic }).toString())).toBe("malformed_topic"));

  test("are refused by their place, not by what they hold", () => {
    const error = refused("topic=order.created&topic=<script>");
    expect(error.message).toContain("topic 2 ");
    expect(error.message).not.toContain("script");
  });
});

test("keeps nothing of the URL but its own texts", () => {
  const heap = (): number => {
    collectGarbage();
    return getHeapStatistics().used_heap_size;
  };
  // Of topics that repeat, one is kept.
  const filler = `&topic=a.b.${"x".repeat(700)}.${"x".repeat(700)}`.repeat(14);
  const before = heap();
  const parsed = Array.from({ length: 100 }, (_, index) =>
    parse(
      `topic=order.created.number-${index}&resource=/api/v1/orders/number-${index}&lastEventId=event-${index}${filler}`,
    ),
  );
  // Their URLs are 2 MB.
  expect(heap() - before).toBeLessThan(500_000);
  expect(parsed).toHaveLength(100);
});

describe("the format", () => {
  test("is raw and without names where nothing is said", () => {
    expect(parse("topic=a.b").format).toEqual({ body: "raw", naming: "message" });
  });

  test("may be CloudEvents, with names", () => {
    const { format } = parse("topic=a.b&format=cloudevents&events=named");
    expect(format).toEqual({ body: "cloudevents", naming: "named" });
  });

  test.each(["format=xml", "format=", "format=RAW", "events=all", "events=", "format=raw%00"])("is never %s", (text) =>
    expect(refusal(`topic=a.b&${text}`)).toBe("malformed_request"),
  );
});

describe("the beginning", () => {
  test("is now where nothing is said", () => expect(parse("topic=a.b").from).toEqual({ at: "now" }));

  test("may be the earliest entry, or a time in any zone", () => {
    expect(parse("topic=a.b&from=earliest").from).toEqual({ at: "earliest" });
    const wallMs = Date.UTC(2026, 0, 31, 12);
    expect(parse("topic=a.b&from=2026-01-31T12:00:00Z").from).toEqual({ at: "time", wallMs });
    expect(parse("topic=a.b&from=2026-01-31T13:00:00%2B01:00").from).toEqual({ at: "time", wallMs });
  });

  test.each([
    "",
    "then",
    "Earliest",
    "0",
    "-1",
    "2026-01-31",
    "2026-02-30T12:00:00Z",
    "1769860800000",
    "2026-01-31T12:00:00",
  ])("is never %j", (from) => expect(refusal(`topic=a.b&from=${from}`)).toBe("malformed_request"));
});

describe("the last id", () => {
  test("is none where it is empty: an empty header lets the parameter count", () => {
    expect(parse("topic=a.b", "").lastEventId).toBeUndefined();
    expect(parse("topic=a.b&lastEventId=").lastEventId).toBeUndefined();
    expect(parse("topic=a.b&lastEventId=query", "").lastEventId).toBe("query");
  });

  test("is the header's, else the parameter's, else none", () => {
    expect(parse("topic=a.b&lastEventId=query", "header").lastEventId).toBe("header");
    expect(parse("topic=a.b&lastEventId=query").lastEventId).toBe("query");
    expect(parse("topic=a.b").lastEventId).toBeUndefined();
  });

  test("may be anything: a client that brings rubbish is told reset, not refused", () => {
    expect(parse("topic=a.b", "\0; DROP TABLE").lastEventId).toBe("\0; DROP TABLE");
  });
});

describe("the client id", () => {
  test("is none where nothing is said, else 1 to 64 characters that a key may have", () => {
    expect(parse("topic=a.b").client).toBeUndefined();
    for (const client of ["a", "tab_1-B", "x".repeat(64)])
      expect(parse(`topic=a.b&client=${client}`).client).toBe(client);
  });

  test.each(["", "a.b", "a b", "a%00", "{a}", "é", "x".repeat(65)])("is never %j", (client) =>
    expect(refusal(`topic=a.b&client=${encodeURIComponent(client)}`)).toBe("malformed_request"),
  );
});

describe("a parameter that this server does not know", () => {
  test.each(["page=1", "topics=a.b", "Topic=a.b", "last-event-id=1", "__proto__=x", "=x"])("is refused: %s", (text) =>
    expect(refusal(`topic=a.b&${text}`)).toBe("unsupported_parameter"),
  );

  test("is named in the refusal by its first 64 characters", () => {
    const { message } = refused(`topic=a.b&${"x".repeat(5_000)}=1`);
    expect(message).toContain(`"${"x".repeat(64)}"`);
    expect(message.length).toBeLessThan(200);
  });
});

test.each(["from=now", "format=raw", "events=named", "client=tab", "lastEventId=a.1.b", "pad=1"])(
  "%s is said once: of two one would be passed over in silence",
  (parameter) => {
    const { code, message } = refused(`topic=a.b&${parameter}&${parameter}`);
    expect([code, message]).toEqual(["malformed_request", `give "${parameter.split("=")[0]}" once`]);
  },
);

describe("the padding of an answer", () => {
  test.each([
    ["", 0],
    ["&pad=0", 0],
    ["&pad=2048", 2_048],
    ["&pad=8192", 8_192],
  ])("of %s", (text, padBytes) => expect(parse(`topic=a.b${text}`).answer.padBytes).toBe(padBytes));

  test.each(["8193", "-1", "1.5", "1e3", "", "many", "99999999999"])("is never %s", (pad) =>
    expect(refusal(`topic=a.b&pad=${pad}`)).toBe("malformed_request"),
  );
});

describe("a poll", () => {
  test.each([
    ["", 25_000],
    ["&wait=0", 0],
    ["&wait=25", 25_000],
  ])("waits as %s says", (text, waitMs) =>
    expect(parse(`topic=a.b${text}`, undefined, "poll").answer.waitMs).toBe(waitMs),
  );

  test.each(["26", "-1", "", "0.5", "9999999"])("never waits %s seconds", (wait) =>
    expect(refusal(`topic=a.b&wait=${wait}`, "poll")).toBe("malformed_request"),
  );

  test.each(["subscription=mail", "topic=a.b&presence=order.*"])("is not for what lasts: %s", (query) =>
    expect(refusal(query, "poll")).toBe("unsupported_parameter"),
  );

  test("may be invisible", () => {
    expect(parse("topic=a.b&presence=none", undefined, "poll").presence.isVisible).toBe(false);
  });

  test("alone waits: a stream has no such parameter", () => {
    expect(refusal("topic=a.b&wait=1")).toBe("unsupported_parameter");
  });
});

function parse(query: string, lastEventId?: string, transport: Transport = "sse") {
  return parseSubscription(new URLSearchParams(query), lastEventId, transport);
}

function refused(query: string, transport: Transport = "sse"): AppError {
  try {
    parse(query, undefined, transport);
  } catch (error) {
    return error as AppError;
  }
  throw new Error(`accepted: ${query}`);
}

function refusal(query: string, transport: Transport = "sse"): ErrorCode {
  return refused(query, transport).code;
}

function manyTopics(count: number): string {
  return Array.from({ length: count }, (_, index) => `topic=order.k${index}`).join("&");
}
