import { describe, expect, it } from "vitest";
import { conditionText, subjectNames } from "./condition.ts";
import { parseCondition } from "./parse-condition.ts";

const read = (text: string) => {
  const { condition, fault } = parseCondition(text);
  return condition === undefined ? fault : conditionText(condition);
};
const values = (count: number) => `[${Array.from({ length: count }, (_, index) => `'${index}'`).join()}]`;
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
  ])("%s is read as %s", (text, canonical) => {
    expect(read(text)).toBe(canonical);
    expect(read(canonical)).toBe(canonical);
  });

  it.each([
    ["", "at character 1: expected `event.<name>`, `subject.<name>`, a string or a list"],
    ["event.region", "at character 13: expected `==`, `!=`, `in` or `not in`"],
    ["event.region = 'eu'", 'at character 14: "=" means nothing here'],
    ["event.a == 'x' event.b == 'y'", "at character 16: expected the end, `and` or `or`"],
    ["(event.a == 'x'", "at character 16: expected `)`, `and` or `or`"],
    ["event.a == 'x", "at character 12: the string has no end, or holds what a string may not"],
    ["event.a == 'x\ny'", "at character 12: the string has no end, or holds what a string may not"],
    ["event.Region == 'x'", "at character 7: expected a name of 1 to 64 lower-case letters and digits"],
    ["event.'a' == 'x'", "at character 7: expected a name of 1 to 64 lower-case letters and digits"],
    ["subject. == 'x'", "at character 10: expected a name of 1 to 64 of A-Z a-z 0-9 _ -"],
    ["event == 'x'", "at character 7: expected `.` and a name"],
    ["region == 'x'", "at character 1: expected `event.<name>`, `subject.<name>`, a string or a list"],
    ["'a' == 'b'", "at character 1: one side must be `event.<name>` or `subject.<name>`"],
    ["event.a in 'x'", "at character 12: behind `in` stands a list or a `subject.<name>` that is one"],
    ["event.a in event.b", "at character 12: behind `in` stands a list or a `subject.<name>` that is one"],
    ["event.a in subject.id", "at character 12: behind `in` stands a list or a `subject.<name>` that is one"],
    ["event.a == ['x']", "at character 12: a list may stand behind `in` only"],
    ["['x'] in subject.a", "at character 1: a list may stand behind `in` only"],
    ["event.a in ['x' 'y']", "at character 17: expected `,` or `]`"],
    ["event.a in [event.b]", "at character 13: expected a string"],
    ["event.a not == 'x'", "at character 13: expected `==`, `!=`, `in` or `not in`"],
    ["event.a == 'x' && event.b == 'y'", 'at character 16: "&" means nothing here'],
    ["event.a == '\ud800'", "a condition must be Unicode text, without half characters"],
  ])("%j is refused: %s", (text, fault) => {
    expect(read(text)).toBe(fault);
  });

  it("may have 1024 characters, 64 strings in a list and 16 levels, and not one more", () => {
    const long = (length: number) => `event.a == '${"x".repeat(length - 13)}'`;
    expect(read(long(1_024))).toBe(long(1_024));
    expect(read(long(1_025))).toBe("a condition may have 1024 characters");
    expect(read(`event.a in ${values(64)}`)).toMatch(/^event/);
    expect(read(`event.a in ${values(65)}`)).toBe("at character 12: a list may have 64 strings");
    expect(read(nested(16))).toBe("event.a == 'x'");
    expect(read(nested(17))).toBe("at character 17: nothing may stand deeper than 16 levels");
  });

  it("tells which of the subject's attributes it looks at", () => {
    const { condition } = parseCondition("event.a in subject.b and (not subject.c == subject.id or event.d == 'e')");
    expect(subjectNames(condition!)).toEqual(["b", "c", "id"]);
  });
});
