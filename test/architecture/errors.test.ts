import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { READINESS_CODES } from "#shared/lifecycle/readiness.ts";
import { busyTexts } from "#shared/protocol/busy-reasons.ts";
import { type ErrorCode, httpStatusOf } from "#shared/protocol/problem-codes.ts";
import { oauthErrorOf } from "../../services/auth/http/oauth-error.ts";
import { BYE_REASONS } from "../../services/stream/connections/end-stream.ts";
import { END_REASONS } from "../../services/stream/event.ts";
import { isTest, readSources } from "./read-sources.ts";

const page = readFileSync("docs/reference/errors.md", "utf8");

/** The first cell of each row of the table whose head begins with this cell, with the cell behind it. */
function rowsUnder(head: string): [first: string, second: string][] {
  const [, rest = ""] = page.split(new RegExp(String.raw`^\| ${head} +\|.*\n\|[ |-]+\n`, "m"));
  const lines = rest.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("|"));
  return lines.slice(0, end).map((line) => {
    const [, first = "", second = ""] = line.split("|").map((cell) => cell.trim());
    return [first.replaceAll("`", ""), second];
  });
}

const firstsUnder = (head: string): string[] => rowsUnder(head).map(([first]) => first);

test("every error code stands in the reference with its status, and no other does", () => {
  const rows = rowsUnder("code").map(([code, status]) => [code, Number(status)] as const);
  expect(Object.fromEntries(rows)).toEqual(httpStatusOf);
  expect(rows).toHaveLength(Object.keys(httpStatusOf).length);
});

test("every error of OAuth stands there, and no other does", () => {
  const codes = Object.keys(httpStatusOf) as ErrorCode[];
  const errors = new Set([...codes.map((code) => oauthErrorOf(code)[1]), "unsupported_grant_type"]);
  expect(new Set(firstsUnder("`error`"))).toEqual(errors);
});

test("every reason for the end of a stream stands there, and no other does", () => {
  expect(firstsUnder("`auth_error`")).toEqual(END_REASONS);
  expect(firstsUnder("`bye`")).toEqual(BYE_REASONS);
});

test("every reason for being busy stands there, and no other does", () => {
  expect(firstsUnder("`busy`").toSorted()).toEqual(Object.keys(busyTexts).toSorted());
});

test("everything that may be unavailable stands there, and nothing else does", () => {
  // What the feed and the readers say among themselves reaches no client.
  const sources = readSources("services/stream/").filter(
    (source) => !isTest(source) && !/(message-window|pull-messages|read-on|epoch-watch|slices)\.ts$/.test(source.path),
  );
  const literals = sources.flatMap(({ text }) =>
    [...text.matchAll(/AppError\("unavailable", "([^"]+)"/g)].map(([, reason]) => reason),
  );
  expect(new Set(firstsUnder("`unavailable`"))).toEqual(new Set(literals));
});

test("every reason for not being ready stands there, and no other does", () => {
  const [, readiness = ""] = page.split("## Readyz");
  const codes = [...readiness.matchAll(/^\| `(\w+)`/gm)].map(([, code]) => code);
  expect(codes).toEqual(READINESS_CODES);
});
