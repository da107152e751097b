import { expect, test } from "vitest";
import { maskValue } from "./mask-value.ts";

test.each([
  ["nats://auth:s3cret@127.0.0.1:4222", "nats://***@127.0.0.1:4222"],
  ["nats://a:p@ss/w#rd?x@h:4222,nats://b:q@i:4222", "nats://***@i:4222"],
  ["auth:s3cret@h", "***@h"],
  ["nats://h:4222", "nats://h:4222"],
  ["redis://:a\nb@h", "redis://***@h"],
  ["/run/secrets/key", "/run/secrets/key"],
  ["8081", "8081"],
])("%j is printed %j at the end", (value, printed) => {
  expect(maskValue(value, { secret: false })).toBe(printed);
});

test("nothing of a secret is printed", () => {
  expect(maskValue("abcdefghijklmnop", { secret: true })).toBe("***");
});

test("a long value is cut", () => {
  expect(maskValue("x".repeat(1_000), { secret: false })).toHaveLength(200);
});
