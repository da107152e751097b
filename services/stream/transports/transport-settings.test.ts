import { expect, test } from "vitest";
import { z } from "zod";
import { transportSettings } from "./transport-settings.ts";

const schema = z.object(transportSettings);
const read = (text?: string) => schema.safeParse({ STREAM_TRANSPORTS: text });

test.each([
  [undefined, ["sse", "websocket", "ndjson", "poll"]],
  ["sse", ["sse"]],
  [" poll , sse", ["sse", "poll"]],
])("the transports of %j are %j, always in one order", (text, on) =>
  expect(read(text).data?.STREAM_TRANSPORTS).toEqual(on),
);

test.each(["", "websocket", "sse,smoke", "sse,,poll", "sse poll"])("%j is refused", (text) =>
  expect(read(text).success).toBe(false),
);
