import { expect, test } from "vitest";
import { maskValue } from "./mask-value.ts";

test.each([
  ["NATS_URL", "nats://auth:s3cret@127.0.0.1:4222", "nats://***@127.0.0.1:4222"],
  ["NATS_URL", "nats://a:p@ss/w#rd?x@h:4222,nats://b:q@i:4222", "nats://***@i:4222"],
  ["NATS_URL", "auth:s3cret@h", "***@h"],
  ["NATS_URL", "nats://h:4222", "nats://h:4222"],
  ["REDIS_URL", "redis://:a\nb@h", "redis://***@h"],
  ["POLICY_OPERATOR_TOKEN", "abcdefghijklmnop", "***"],
  ["AUTH_KEY_ENCRYPTION_KEY", "x", "***"],
  ["AUTH_KEY_ENCRYPTION_KEY_FILE", "/run/secrets/key", "/run/secrets/key"],
  ["NATS_AUTH_PASSWORD", "x", "***"],
  ["AUTH_HTTP_PORT", "8081", "8081"],
])("of %s=%j is printed %j at the end", (name, value, printed) => {
  expect(maskValue(name, value)).toBe(printed);
});

test("a long value is cut", () => {
  expect(maskValue("STREAM_ALLOWED_ORIGINS", "x".repeat(1_000))).toHaveLength(200);
});
