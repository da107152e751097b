import { describe, expect, it } from "vitest";
import { conditionText, subjectNames } from "./condition.ts";
import { parseCondition } from "./parse-condition.ts";

const read = (text: string) => {
  const { condition, fault } = parseCondition(text);
  return condition === undefined ? fault : conditionText(condition);
};
const values = (count: number) => `[${Array.from({ length: count }, (_, index) => `'${index}'`).join()}]`;
const WANTED_OPERAND =
  "expected `event.<name>`, `subject.<name>`, a string, number, time, true, false, a range or a list";
const WANTED_OPERATOR =
  "expected `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `startsWith`, `endsWith`, or `not` before one of the last three";
const WANTED_LIST = "behind `in` stands a list, a range of addresses, or a `subject.<name>` that is a list";
const nested = (levels: number) => `${"(".repeat(levels)}event.a == 'x'${")".repeat(levels)}`;

describe("a condition", () => {
  it.each([
    ["event.region in subject.regions", "event.region in subject.regions"],
    [`event.region not  in ["eu",'us','eu']`, "event.region not in ['eu', 'us']"],
    ["event.a == 'x' or event.b == 'y' and event.c != 'z'", "event.a == 'x' or (event.b == 'y' and event.c != 'z')"],
    ["not event.a == 'x' and event.b == 'y'", "event.a != 'x' and event.b == 'y'"],
    ["not (event.a == 'x' and event.b == 'y')", "not (event.a == 'x' and event.b == 'y')"],
    ["not not event.a == subject.b", "not event.a != subject.b"],
    ["((event.a == event.b))", "event.a == event.b"],
    [String.raw`event.a == 'it\'s' or event.a == "a\\b"`, String.raw`event.a == 'it\'s' or event.a == 'a\\b'`],
    ["subject.in in ['not', 'and'] and event.event == 'or'", "subject.in in ['not', 'and'] and event.event == 'or'"],
    ["'admin' in subject.tags", "'admin' in subject.tags"],
    ["subject.id == event.owner", "subject.id == event.owner"],
    ["event.a == 'ä 😀 ='", "event.a == 'ä 😀 ='"],
    ["event.a in []", "event.a in []"],
    ["event.amount < 1000", "event.amount < 1000"],
    ["-0.5 <= event.amount and 1e3 == event.amount", "event.amount >= -0.5 and event.amount == 1e3"],
    ["not event.amount>=10 or event.amount != 7", "not event.amount >= 10 or event.amount != 7"],
    ["event.amount <= subject.limit", "event.amount <= subject.limit"],
    ["not (event.from > event.to)", "not event.from > event.to"],
    ["event.level in [1, 2,1]", "event.level == 1 or event.level == 2"],
    ["event.level not in [1]", "event.level != 1"],
    ["event.at >= 2026-01-01T00:00:00Z", "event.at >= 2026-01-01T00:00:00Z"],
    ["event.at < 2026-01-01T01:00:00.5+01:00", "event.at < 2026-01-01T01:00:00.5+01:00"],
    ["event.urgent == true", "event.urgent == true"],
    ["false != subject.admin", "subject.admin != false"],
    ["subject.ip in 10.0.0.0/8", "subject.ip in 10.0.0.0/8"],
    [
      "event.ip not in [10.0.0.0/8,2001:db8::/32, ::1/128, ::/0]",
      "event.ip not in [10.0.0.0/8, 2001:db8::/32, ::1/128, ::/0]",
    ],
    ["event.path startsWith '/api/'", "event.path startsWith '/api/'"],
    ["event.path not endsWith ['.js', \".css\"]", "event.path not endsWith ['.js', '.css']"],
    ["not event.path startsWith subject.home", "event.path not startsWith subject.home"],
    ["subject.mail endsWith '@acme.example'", "subject.mail endsWith '@acme.example'"],
    [
      "subject.2024 == '1' and subject.5-a in subject.startsWith",
      "subject.2024 == '1' and subject.5-a in subject.startsWith",
    ],
    ["subject.true == true", "subject.true == true"],
  ])("%s is read as %s", (text, canonical) => {
    expect(read(text)).toBe(canonical);
    expect(read(canonical)).toBe(canonical);
  });

  it.each([
    ["", `at character 1: ${WANTED_OPERAND}`],
    ["event.region", `at character 13: ${WANTED_OPERATOR}`],
    ["event.region = 'eu'", 'at character 14: "=" means nothing here; equality is =='],
    ["event.a == 'x' event.b == 'y'", "at character 16: expected the end, `and` or `or`"],
    ["(event.a == 'x'", "at character 16: expected `)`, `and` or `or`"],
    ["event.a == 'x", "at character 12: the string has no end, or holds what a string may not"],
    ["event.a == 'x\ny'", "at character 12: the string has no end, or holds what a string may not"],
    ["event.Region == 'x'", "at character 7: expected a name of 1 to 64 lower-case letters and digits"],
    ["event.'a' == 'x'", "at character 7: expected a name of 1 to 64 lower-case letters and digits"],
    ["subject. == 'x'", "at character 10: expected a name of 1 to 64 of A-Z a-z 0-9 _ -"],
    ["event == 'x'", "at character 7: expected `.` and a name"],
    ["region == 'x'", `at character 1: ${WANTED_OPERAND}`],
    ["'a' == 'b'", "at character 1: one side must be `event.<name>` or `subject.<name>`"],
    ["event.a in 'x'", `at character 12: ${WANTED_LIST}`],
    ["event.a in event.b", `at character 12: ${WANTED_LIST}`],
    ["event.a in subject.id", `at character 12: ${WANTED_LIST}`],
    ["event.a == ['x']", "at character 12: a list may stand behind `in` only"],
    ["['x'] in subject.a", "at character 1: a list may stand behind `in` only"],
    ["event.a in ['x' 'y']", "at character 17: expected `,` or `]`"],
    ["event.a in [event.b]", "at character 13: expected a string, a number, a time or a range of addresses"],
    ["event.a not == 'x'", "at character 13: expected `in`, `startsWith` or `endsWith`"],
    ["event.a == 'x' && event.b == 'y'", 'at character 16: "&" means nothing here'],
    ["event.a < 'x'", "at character 11: texts have no order; a number or a time stands without quotes"],
    ["event.a < true", "at character 11: true and false have no order"],
    ["event.a == 10.0.0.0/8", "at character 12: a range of addresses may stand behind `in` only"],
    ["event.a < [1]", "at character 11: a list may stand behind `in` only"],
    ["event.a in 5", `at character 12: ${WANTED_LIST}`],
    ["5 in subject.a", "at character 1: before `in` stands `event.<name>`, `subject.<name>` or a string"],
    ["event.a in [1, 'x']", "at character 16: a list holds values of one kind, and this one begins with a number"],
    ["event.a in [true]", "at character 13: expected a string, a number, a time or a range of addresses"],
    ["'x' startsWith subject.a", "at character 1: before `startsWith` stands `event.<name>` or `subject.<name>`"],
    [
      "event.a endsWith event.b",
      "at character 18: behind `endsWith` stands a string, a list of strings or `subject.<name>`",
    ],
    ["event.a startswith 'x'", `at character 9: ${WANTED_OPERATOR}`],
    ["5 == 5", "at character 1: one side must be `event.<name>` or `subject.<name>`"],
    ...["007", "1.", "1_000", "1e999", "5x", "0x10", "-", "1".repeat(41)].map((text): [string, unknown] => [
      `event.a < ${text}`,
      expect.stringMatching(/^at character 11: /),
    ]),
    ["event.a < 2026-01-01", expect.stringContaining("no time: write it with its zone")],
    ["event.a < 2026-01-01T00:00:00", expect.stringContaining("no time: write it with its zone")],
    ["event.a < 2026-02-29T00:00:00Z", expect.stringContaining("no time")],
    ["event.a in 10.0.0.1/8", expect.stringContaining("no range of addresses: write the first address")],
    ["event.a in 10.0.0.0/33", expect.stringContaining("no range of addresses")],
    ["event.a in ::ffff:10.0.0.0/104", expect.stringContaining("no range of addresses")],
    ["event.a == '\ud800'", "a condition must be Unicode text, without half characters"],
  ])("%j is refused: %s", (text, fault) => {
    expect(read(text)).toEqual(fault);
  });

  it("may have 1024 characters, 64 values in a list and 16 levels, and not one more", () => {
    const long = (length: number) => `event.a == '${"x".repeat(length - 13)}'`;
    expect(read(long(1_024))).toBe(long(1_024));
    expect(read(long(1_025))).toBe("a condition may have 1024 characters");
    expect(read(`event.a in ${values(64)}`)).toMatch(/^event/);
    expect(read(`event.a in ${values(65)}`)).toBe("at character 12: a list may have 64 values");
    expect(read(nested(16))).toBe("event.a == 'x'");
    expect(read(nested(17))).toBe("at character 17: nothing may stand deeper than 16 levels");
  });

  it("tells which of the subject's attributes it looks at", () => {
    const { condition } = parseCondition("event.a in subject.b and (not subject.c == subject.id or event.d == 'e')");
    expect(subjectNames(condition!)).toEqual(["b", "c", "id"]);
    const typed = parseCondition(
      "subject.a in 10.0.0.0/8 and subject.b < 5 and event.x > subject.c and event.y endsWith subject.d",
    );
    expect(subjectNames(typed.condition!)).toEqual(["a", "b", "c", "d"]);
  });
});
