import { expect, test } from "vitest";
import { requestIdOf } from "./request-id.ts";

test.each(["a", "7f3c-4.x_y~z", "x".repeat(128)])("the request id %j is taken over", (given) => {
  expect(requestIdOf(given)).toBe(given);
});

test.each([undefined, "", "x".repeat(129), "a b", "a, b", 'a"}{"level":"error', "a\r\nx: y", "\u00e9", ["a", "b"]])(
  "for %j a fresh request id is made each time",
  (given) => {
    const made = requestIdOf(given);
    expect(made).toMatch(/^[0-9a-f-]{36}$/);
    expect(requestIdOf(given)).not.toBe(made);
  },
);
