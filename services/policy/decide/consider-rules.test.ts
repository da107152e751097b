import { describe, expect, it } from "vitest";
import { parseDocument } from "../document/parse-document.ts";
import { considerRules, winnerOf } from "./consider-rules.ts";
import { EVERY_EVENT } from "./fill-rule.ts";
import { decodeGrant } from "./grant.ts";
import { compileSnapshot } from "./snapshot.ts";

/** What is considered of that many rules about one permission, of which the last but one denies. */
function consider(rules: number) {
  const roles = Object.fromEntries(
    Array.from({ length: rules }, (_, role) => [
      `r${role}`,
      role === rules - 2 ? { deny: ["a:*"] } : { allow: [role === 1 ? "a:b@>" : "a:b"] },
    ]),
  );
  const { document } = parseDocument(JSON.stringify({ tenant: "acme", roles }), "acme");
  const snapshot = compileSnapshot({ number: 1, build: "b" }, document!, new Map());
  const grant = decodeGrant(snapshot, `${Object.keys(roles).join()}@`);
  return considerRules(snapshot, grant, "a:b", EVERY_EVENT);
}

describe("the rules that are considered", () => {
  it("are all, up to 256 of them", () => {
    const { considered, more } = consider(256);
    expect([considered.length, more]).toEqual([256, 0]);
    expect(considered.slice(0, 2).map(({ role, rule }) => [role, rule])).toEqual([
      ["r0", "a:b"],
      ["r1", "a:b@>"],
    ]);
  });

  it("are the first of more, with the one that decides wherever it stands", () => {
    const { considered, more } = consider(1_000);
    expect([considered.length, more]).toEqual([256, 744]);
    expect(considered.slice(0, 255).map(({ role }) => role)).toEqual(
      Array.from({ length: 255 }, (_, role) => `r${role}`),
    );
    expect(winnerOf(considered)).toMatchObject({ role: "r998", effect: "deny", rule: "a:*" });
  });
});
