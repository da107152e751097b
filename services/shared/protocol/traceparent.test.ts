import { describe, expect, test } from "vitest";
import { formatTraceparent, isSampled, parseTraceparent, traceFactsOf, traceparentOf } from "./traceparent.ts";

const [TRACE_ID, SPAN_ID] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
const SAMPLED = `00-${TRACE_ID}-${SPAN_ID}-01`;

describe("a traceparent", () => {
  test("is taken as it came, whatever its flags", () => {
    for (const flags of ["00", "01", "02", "03", "ff"]) {
      const given = `00-${TRACE_ID}-${SPAN_ID}-${flags}`;
      expect(traceparentOf(given)).toBe(given);
      expect(isSampled(given)).toBe(["01", "03", "ff"].includes(flags));
    }
  });

  test("of a later version counts as far as version 0 reads it", () => {
    expect(traceparentOf(`cc-${TRACE_ID}-${SPAN_ID}-01-what-comes`)).toBe(SAMPLED);
    expect(traceparentOf(`01-${TRACE_ID}-${SPAN_ID}-02`)).toBe(`00-${TRACE_ID}-${SPAN_ID}-00`);
  });

  test.each([
    ["of the forbidden version", `ff-${TRACE_ID}-${SPAN_ID}-01`],
    ["without a trace", `00-${"0".repeat(32)}-${SPAN_ID}-01`],
    ["without a parent", `00-${TRACE_ID}-${"0".repeat(16)}-01`],
    ["in capitals", SAMPLED.toUpperCase()],
    ["too short", SAMPLED.slice(0, -1)],
    ["of version 0 with something behind it", `${SAMPLED}-more`],
    ["with a line end", `${SAMPLED}\n`],
    ["of nothing", ""],
  ])("%s is none", (_, given) => {
    expect(traceparentOf(given)).toBeUndefined();
  });

  test("may have 128 characters, not 129", () => {
    const long = `cc-${TRACE_ID}-${SPAN_ID}-01-${"x".repeat(72)}`;
    expect(long).toHaveLength(128);
    expect(traceparentOf(long)).toBe(SAMPLED);
    expect(traceparentOf(`${long}x`)).toBeUndefined();
  });

  test("that came twice, or not at all, is none", () => {
    expect(traceparentOf([SAMPLED, SAMPLED])).toBeUndefined();
    expect(traceparentOf(undefined)).toBeUndefined();
  });

  test("is taken apart, and put together again", () => {
    expect(formatTraceparent(parseTraceparent(SAMPLED))).toBe(SAMPLED);
    expect(traceFactsOf(SAMPLED)).toEqual({ traceId: TRACE_ID, spanId: SPAN_ID });
    expect(traceFactsOf(undefined)).toEqual({});
  });
});
