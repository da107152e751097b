import { describe, expect, test } from "vitest";
import { type ErrorCode, httpStatusOf, titleOf } from "#shared/protocol/problem-codes.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { problemOf } from "./problem.ts";

describe("a problem document", () => {
  test.each(Object.entries(httpStatusOf) as [ErrorCode, number][])("of %s has status %d", (code, status) => {
    const problem = problemOf(new AppError(code, "what happened"), "r-1");
    expect(problem.status).toBe(status);
    expect(problem.headers).toMatchObject({
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      "x-request-id": "r-1",
    });
    expect(JSON.parse(problem.body)).toEqual({
      type: `urn:sluice:error:${code}`,
      title: titleOf[code],
      status,
      detail: "what happened",
      instance: "urn:sluice:request:r-1",
      code,
    });
  });

  test("says nothing of its cause", () => {
    const cause = new Error("connect to 10.0.0.7 refused");
    expect(JSON.stringify(problemOf(new AppError("internal", "something went wrong", { cause }), "r-1"))).not.toContain(
      "10.0.0.7",
    );
  });
});

describe("the challenge of a 401", () => {
  test("names no error where the request carried no token (RFC 6750, section 3.1)", () => {
    const { headers } = problemOf(new AppError("token_missing", "send a token"), "r-1");
    expect(headers["www-authenticate"]).toBe('Bearer realm="sluice"');
  });

  test("names invalid_token where it carried a bad one", () => {
    const { headers } = problemOf(new AppError("token_expired", "the access token has expired"), "r-1");
    expect(headers["www-authenticate"]).toBe(
      'Bearer realm="sluice", error="invalid_token", error_description="the access token has expired"',
    );
  });

  test("keeps its quotes, whatever the message holds", () => {
    const { headers } = problemOf(new AppError("token_invalid", 'bad "to\\ken"'), "r-1");
    expect(headers["www-authenticate"]).toMatch(/error_description="bad token"$/);
  });

  test("stands on no other status", () => {
    expect(problemOf(new AppError("forbidden", "no"), "r-1").headers).not.toHaveProperty("www-authenticate");
  });
});

test.each(["unavailable", "too_many_attempts"] as const)("%s says when to come back", (code) => {
  expect(Number(problemOf(new AppError(code, "later"), "r-1").headers["retry-after"])).toBeGreaterThanOrEqual(1);
});

test("a refusal that waiting does not help says nothing of coming back", () => {
  expect(problemOf(new AppError("forbidden", "no"), "r-1").headers).not.toHaveProperty("retry-after");
});
