import { createServer, type RequestListener } from "node:http";
import { createGzip } from "node:zlib";
import { expect, test } from "vitest";
import { listenHere } from "#test/support/listen-here.ts";
import { sluice } from "#test/support/run-sluice.ts";
import { checkStream } from "./check-stream.ts";
import type { Finding } from "../shared/finding.ts";

const GOOD = {
  "content-type": "text/event-stream",
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
};
const FRAME = "retry: 2000\nid: 1\ndata: x\n\n";

/** What is found about a stream, apart from what is well. */
async function check(listener: RequestListener): Promise<Record<string, string>> {
  await using server = await listenHere(createServer(listener));
  const url = `http://127.0.0.1:${server.port}/events`;
  const findings: Finding[] = [];
  for await (const each of checkStream({ url, headers: {}, listenMs: 1_500 })) findings.push(each);
  return Object.fromEntries(findings.filter(({ level }) => level !== "ok").map((each) => [each.check, each.level]));
}

const stream =
  (headers: Record<string, string>, ...writes: (string | Buffer)[]): RequestListener =>
  (_, response) => {
    response.writeHead(200, headers);
    for (const each of writes) response.write(each);
  };

test.concurrent.each<[string, RequestListener, Record<string, string>]>([
  ["a stream that has everything", stream(GOOD, FRAME), {}],
  ["another status", (_, response) => void response.writeHead(503).end("{}"), { status: "fail" }],
  ["another type", stream({ ...GOOD, "content-type": "text/plain" }, FRAME), { type: "fail" }],
  [
    "another charset",
    stream({ ...GOOD, "content-type": "text/event-stream; charset=latin1" }, FRAME),
    { type: "fail" },
  ],
  [
    "no headers for caches and proxies",
    stream({ "content-type": "text/event-stream" }, FRAME),
    { cache: "warn", proxies: "warn" },
  ],
  [
    "a length",
    (_, response) => void response.writeHead(200, { ...GOOD, "content-length": FRAME.length }).end(FRAME),
    { length: "fail" },
  ],
  ["nothing at all", (_, response) => response.writeHead(200, GOOD).flushHeaders(), { "first byte": "fail" }],
  [
    "bytes that were collected",
    stream(GOOD, `${FRAME}: ${"x".repeat(8_192 - FRAME.length - 3)}\n`),
    { buffering: "fail" },
  ],
  [
    "other bytes than UTF-8",
    stream(GOOD, Buffer.from([0x64, 0x3a, 0xff, 0x0a]), FRAME),
    { text: "fail", fields: "warn" },
  ],
  ["data across a line break", stream(GOOD, "retry: 2000\nid: 1\ndata: x\ny\n\n"), { fields: "warn" }],
  ["no blank line", stream(GOOD, "retry: 2000\nid: 1\ndata: x\n"), { blocks: "fail" }],
  ["no ids", stream(GOOD, "retry: 2000\ndata: x\n\n"), { ids: "warn" }],
  ["no retry", stream(GOOD, "id: 1\ndata: x\n\n"), { retry: "warn" }],
  ["a retry of 0", stream(GOOD, "retry: 0\nid: 1\ndata: x\n\n"), { retry: "fail" }],
  [
    "compression that is not asked for",
    stream({ ...GOOD, "content-encoding": "gzip" }, FRAME),
    { encoding: "fail", compression: "fail" },
  ],
  [
    "compression that is not flushed",
    (request, response) => {
      if (request.headers["accept-encoding"] === "identity") return stream(GOOD, FRAME)(request, response);
      response.writeHead(200, { ...GOOD, "content-encoding": "gzip" });
      const gzip = createGzip();
      gzip.pipe(response);
      gzip.write(FRAME);
    },
    { compression: "fail" },
  ],
  [
    "a refusal behind the last id",
    (request, response) => {
      if (request.headers["last-event-id"] === undefined) return stream(GOOD, FRAME)(request, response);
      response.writeHead(410).end();
    },
    { resumption: "fail" },
  ],
])("%s is found", async (_, listener, expected) => {
  expect(await check(listener)).toEqual(expected);
});

test("a server that is not there ends with 1, and says so", async () => {
  const { code, err } = await sluice(["stream", "check", "http://127.0.0.1:9/events"]);
  expect([code, err]).toEqual([
    1,
    [expect.stringMatching(/^sluice stream check: http:.* does not answer: .*ECONNREFUSED/)],
  ]);
});
