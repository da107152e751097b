import { describe, expect, test } from "vitest";
import type { Frame } from "../../shared/protocol/frame.ts";
import type { RoadRequest } from "./road.ts";
import { createFrameReader, createSseRoad } from "./sse-road.ts";

/** The frames in these bytes, or texts, however they are cut. */
function read(...parts: readonly (string | Uint8Array)[]): Frame[] {
  const frames: Frame[] = [];
  const feed = createFrameReader({ onFrame: (frame) => frames.push(frame) });
  for (const part of parts) feed(typeof part === "string" ? new TextEncoder().encode(part) : part);
  return frames;
}

const dataOf = (...parts: readonly (string | Uint8Array)[]): (string | undefined)[] =>
  read(...parts).map(({ data }) => data);

// As the Web Platform Tests of EventSource expect it of a browser.
describe("frames are read as a browser reads them", () => {
  test("one byte order mark at the beginning is none of the stream, and a second one is", () => {
    expect(dataOf("\uFEFFdata:1\n\n\uFEFFdata:2\n\ndata:3\n\n")).toEqual(["1", "3"]);
    expect(dataOf("\uFEFF\uFEFFdata:1\n\n\ndata:2\n\ndata:3\n\n")).toEqual(["2", "3"]);
  });

  test("lines end with LF, CR or CR LF, wherever the bytes are cut", () => {
    const text = "data:test\r\ndata\ndata:test\r\n\r\ndata:next\r\rdata:last\n\n";
    const expected = ["test\n\ntest", "next", "last"];
    expect(dataOf(text)).toEqual(expected);
    for (let cut = 1; cut < text.length; cut += 1)
      expect(dataOf(text.slice(0, cut), text.slice(cut))).toEqual(expected);
  });

  test("a field without a colon is empty, one space behind the colon is no part of it, and names are exact", () => {
    expect(dataOf("data\n\ndata\ndata\n\n")).toEqual(["", "\n"]);
    expect(dataOf("data:\ttest\rdata: \ndata:test\n\n")).toEqual(["\ttest\n\ntest"]);
    expect(dataOf("data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n")).toEqual([
      "test\n\ntest",
    ]);
    expect(dataOf("DATA:a\n\ndata:b\n\n")).toEqual(["b"]);
  });

  test("a block without an end is none", () => {
    expect(dataOf("data: 1\n\ndata: 2")).toEqual(["1"]);
    expect(dataOf("data: 1\n\ndata: 2\n")).toEqual(["1"]);
  });

  test("a name counts for its own block alone", () => {
    expect(read("event:test\ndata:x\n\ndata:x\n\nevent:\ndata:y\n\n").map(({ event }) => event)).toEqual([
      "test",
      undefined,
      undefined,
    ]);
  });

  test("an id with a NUL is none", () => {
    expect(read("id: a\0b\ndata:x\n\nid: b\ndata:y\n\n").map(({ id }) => id)).toEqual([undefined, "b"]);
  });

  test("`retry` is of digits alone", () => {
    expect(read("retry:1000\nretry:2000x\nretry: -1\ndata:x\n\n").map(({ retry }) => retry)).toEqual([
      1_000,
      undefined,
    ]);
  });

  test("bytes that are no UTF-8 become U+FFFD, and a character may be cut", () => {
    const euro = new TextEncoder().encode("data:€\n\n");
    expect(dataOf(euro.slice(0, 6), euro.slice(6))).toEqual(["€"]);
    expect(dataOf(new Uint8Array([...new TextEncoder().encode("data:"), 0xff, 10, 10]))).toEqual(["\uFFFD"]);
  });
});

describe("a stream is asked for", () => {
  const request: RoadRequest = {
    url: "http://edge.test",
    parameters: new URLSearchParams("topic=a.%3E&from=earliest"),
    lastEventId: () => undefined,
    token: () => undefined,
    credentials: "include",
    pad: 0,
  };
  const listener = { onOpen: () => {}, onBytes: () => {}, onFrame: () => {} };
  const ask = async (change: Partial<RoadRequest>, response: () => Response | Promise<Response>) => {
    const asked: { url: string; init: RequestInit }[] = [];
    const fetch = async (url: string, init: RequestInit): Promise<Response> => {
      asked.push({ url, init });
      return response();
    };
    const end = await createSseRoad({ fetch })({ ...request, ...change }, listener, new AbortController().signal);
    return { end, ...asked[0] };
  };
  const stream = (): Response => new Response("", { headers: { "content-type": "text/event-stream; charset=utf-8" } });

  test("without a header that would cost another request, where cookies say who asks", async () => {
    const { url, init } = await ask({}, stream);
    expect(url).toBe("http://edge.test/v1/stream?topic=a.%3E&from=earliest");
    expect(init).toMatchObject({ headers: { accept: "text/event-stream" }, credentials: "include", cache: "no-store" });
  });

  test("with its token in a header, behind its id, and with padding where that is needed", async () => {
    const { url, init } = await ask({ token: () => "t", lastEventId: () => "e.1.x", pad: 2_048 }, stream);
    expect(url).toBe("http://edge.test/v1/stream?topic=a.%3E&pad=2048&lastEventId=e.1.x");
    expect(init?.headers).toEqual({ accept: "text/event-stream", authorization: "Bearer t" });
  });

  test.each([
    ["a stream that ends", stream, { kind: "closed" }],
    [
      "a login page of a network",
      () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      { kind: "unusable" },
    ],
    ["a proxy that knows no such path", () => new Response("", { status: 405 }), { kind: "unusable" }],
    ["a proxy whose edge is away", () => new Response("", { status: 502 }), { kind: "refused", status: 502 }],
    [
      "the edge",
      () =>
        Response.json(
          { code: "too_many_requests", detail: "slowly" },
          { status: 429, headers: { "content-type": "application/problem+json", "retry-after": "7" } },
        ),
      { kind: "refused", status: 429, code: "too_many_requests", detail: "slowly", retryAfterMs: 7_000 },
    ],
    ["nobody", () => Promise.reject(new TypeError("Failed to fetch")), { kind: "unreachable" }],
  ])("and %s is told from the others", async (_, response, expected) => {
    expect((await ask({}, response)).end).toMatchObject(expected);
  });
});
