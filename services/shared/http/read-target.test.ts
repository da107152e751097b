import { expect, test } from "vitest";
import { readTarget } from "./read-target.ts";

test.each([
  ["/v1/stream?topic=a.b", "/v1/stream", "?topic=a.b"],
  ["/", "/", ""],
  ["//v1/stream", "//v1/stream", ""],
  ["/v1/presence/auth0%7C64a?x=/../y", "/v1/presence/auth0%7C64a", "?x=/../y"],
  ["http://edge/v1/stream?topic=a.b", "/v1/stream", "?topic=a.b"],
  ["HTTP://EDGE:80/v1/stream", "/v1/stream", ""],
  ["http://edge?x=1", "/", "?x=1"],
  ["/v1/presence/Zo%C3%AB?x=50%25&y=%F0%9F%98%80", "/v1/presence/Zo%C3%AB", "?x=50%25&y=%F0%9F%98%80"],
])("the target %s is the path %s", (target, path, query) => {
  const { pathname, search } = readTarget(requestOf(target));
  expect([pathname, search]).toEqual([path, query]);
});

test.each([
  "",
  "*",
  "edge:443",
  "v1/stream",
  "/x/../v1/stream",
  "/v1/./stream",
  "/v1/stream/..",
  "/x/%2e%2E/v1/stream",
  "/v1/%73tream",
  "/v1/presence/%FF",
  "/v1/presence/%ED%A0%80",
  "/v1/presence/%zz",
  "/v1/presence/a%",
  "/v1\\stream",
  "/v1/stream#x",
  "/v1/str\u00e9am",
  "https://edge/v1/stream",
  "http://other/v1/stream",
  "http://edge:81/v1/stream",
  "http://u:p@edge/v1/stream",
  "http:///v1/stream",
  "/v1/presence/Zo%EB",
  "/v1/presence/50%",
  "/v1/presence/%FF%25",
  "/v1/explain?subject=Zo%EB",
])("the target %j is malformed", (target) => {
  expect(() => readTarget(requestOf(target))).toThrow(expect.objectContaining({ code: "malformed_request" }));
});

test("a second Host is malformed, whatever it is; none is the client's affair", () => {
  for (const hosts of [
    ["edge", "edge"],
    ["edge", "other"],
  ]) {
    expect(() => readTarget(requestOf("/", hosts))).toThrow(expect.objectContaining({ code: "malformed_request" }));
  }
  expect(readTarget(requestOf("http://edge/v1/stream", [])).pathname).toBe("/v1/stream");
});

test("100 headers are taken, and not 101", () => {
  const withHeaders = (count: number) => ({
    ...requestOf("/"),
    rawHeaders: Array.from({ length: count }, () => ["X-A", "b"]).flat(),
  });
  expect(readTarget(withHeaders(100)).pathname).toBe("/");
  expect(() => readTarget(withHeaders(101))).toThrow(expect.objectContaining({ code: "too_many_headers" }));
});

function requestOf(url: string, hosts = ["edge"]) {
  return { url, rawHeaders: [], headersDistinct: { host: hosts } };
}
