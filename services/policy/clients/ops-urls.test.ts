import { expect, test } from "vitest";
import { opsUrlsSchema } from "./ops-urls.ts";

test("operations ports are read with their names, in their order", () => {
  expect(opsUrlsSchema.parse(" auth=http://auth:8091, edge-1=https://[::1]:8090/,")).toEqual([
    { name: "auth", url: "http://auth:8091" },
    { name: "edge-1", url: "https://[::1]:8090" },
  ]);
  expect(opsUrlsSchema.parse(undefined)).toEqual([]);
});

test.each([
  ["http://auth:8091", "must be <name>=http"],
  ["auth=auth:8091", "must be <name>=http"],
  ["auth=http://a:1/metrics", "must be <name>=http"],
  ["auth=http://user:pass@a:1", "must be <name>=http"],
  ["a=http://a:1,a=http://b:1", "names a twice"],
  [Array.from({ length: 65 }, (_, index) => `a${index}=http://a:1`).join(","), "names more than 64"],
])("%s is refused", (text, fault) => {
  expect(opsUrlsSchema.safeParse(text).error?.issues[0]?.message).toContain(fault);
});

test("64 processes may be named", () => {
  const text = Array.from({ length: 64 }, (_, index) => `a${index}=http://a:1`).join(",");
  expect(opsUrlsSchema.parse(text)).toHaveLength(64);
});
