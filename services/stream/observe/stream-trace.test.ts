import { expect, test } from "vitest";
import { recordingTracer } from "#test/rigs/recording-tracer.ts";
import { beginStream } from "./stream-trace.ts";

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
const STREAM = { connectionId: "w-1", requestId: "r-1", tenant: "acme" };

test.each([
  ["gone", "aborted"],
  ["slow", "aborted"],
  ["idle", "timeout"],
  ["max_age", "timeout"],
  ["expired", "timeout"],
  ["drain", "completed"],
  ["revoked", "completed"],
])("a stream that ended with %s was %s", (reason, noted) => {
  const tracer = recordingTracer();
  const trace = beginStream(tracer, `${TRACE}-01`, STREAM);
  trace?.end(reason, 3);
  expect(tracer.spans).toMatchObject([
    {
      name: "stream",
      notes: ["created", noted],
      said: { "sluice.stream.events_sent": 3, "sluice.stream.end_reason": reason },
      ended: "ok",
    },
  ]);
});

test("a stream whose handshake nobody records has no span", () => {
  expect(beginStream(recordingTracer(), `${TRACE}-00`, STREAM)).toBeUndefined();
  expect(beginStream(recordingTracer(), undefined, STREAM)).toBeUndefined();
});
