import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { chooseBodyCoding } from "../../sse/body-coding.ts";
import { chooseRoad } from "./choose-road.ts";

const asking = (headers: IncomingMessage["headers"]) => ({ headers, httpVersion: "1.1" }) as IncomingMessage;

test("what a client accepts is weighed as far as clients say such things, and not 90 KB of it", () => {
  expect(chooseRoad(asking({ accept: `${"a/b,".repeat(400)}application/x-ndjson` })).transport).toBe("ndjson");
  const flood = asking({ accept: `${"a/,".repeat(25_000)}application/x-ndjson` });
  expect(() => chooseRoad(flood)).toThrow(expect.objectContaining({ code: "not_acceptable" }));
  const codings = asking({ "accept-encoding": `${"a,".repeat(40_000)}gzip` });
  expect(chooseBodyCoding(codings).name).toBe("identity chunked");
});
