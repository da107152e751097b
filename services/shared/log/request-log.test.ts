import { expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { logRefusal } from "./request-log.ts";

/** The line about a failure: its level, its kind and its facts. */
function lineOf(error: AppError, path = "/v1/x"): [level: string, kind: string, facts: object] {
  const lines: [string, string, object][] = [];
  const log = {
    write: (level: string, kind: string, facts: object) => void lines.push([level, kind, facts]),
    [Symbol.dispose]() {},
  };
  logRefusal(log, error, { requestId: "r-1", path });
  return lines[0] ?? ["", "", {}];
}

test("a refusal is a line at info with its code, what the caller was told, the facts and the causes", () => {
  const cause = new Error("fetch failed", { cause: new Error("connect ECONNREFUSED 10.0.0.7:8081") });
  const error = new AppError("unavailable", "not now", {
    cause,
    facts: { issuer: "https://login.example", code: "x" },
  });
  expect(lineOf(error)).toEqual([
    "info",
    "refused: unavailable",
    {
      requestId: "r-1",
      path: "/v1/x",
      code: "unavailable",
      detail: "not now",
      issuer: "https://login.example",
      cause: "fetch failed: connect ECONNREFUSED 10.0.0.7:8081",
    },
  ]);
});

test("a fault of ours is a line at error with its stack", () => {
  const cause = new Error("broken");
  expect(lineOf(new AppError("internal", "something went wrong", { cause }))).toEqual([
    "error",
    "failed",
    { requestId: "r-1", path: "/v1/x", code: "internal", err: cause },
  ]);
});

test("a line has an end, whatever the path, the token and the causes hold", () => {
  const long = "x".repeat(60_000);
  const error = new AppError("token_invalid", long, { cause: new Error(long), facts: { issuer: long, kid: long } });
  expect(JSON.stringify(lineOf(error, long)).length).toBeLessThan(2_000);
});
