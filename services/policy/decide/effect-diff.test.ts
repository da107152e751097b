import { describe, expect, it } from "vitest";
import { parseDocument } from "../document/parse-document.ts";
import { effectsOf } from "./effect-diff.ts";
import type { PolicySource } from "./policy-diff.ts";
import { compileSnapshot } from "./snapshot.ts";

const NOW = Date.parse("2027-01-15T08:00:00Z");

const policyOf = (roles: object, bindings: object, set: Record<string, string[]> = {}): PolicySource => {
  const list = Object.entries(bindings).map(([role, subjects]) => ({ role, subjects: subjects as unknown }));
  const { document, faults } = parseDocument(JSON.stringify({ tenant: "acme", roles, bindings: list }), "acme");
  if (document === undefined) throw new Error(JSON.stringify(faults));
  return compileSnapshot({ number: 1, build: "b" }, document, new Map(Object.entries(set)), NOW);
};

/** What happens to those who have role `r` when its rules change. */
const change = (before: object, after: object): { gains: readonly string[]; loses: readonly string[] } => {
  const [effect] = effectsOf(policyOf({ r: before }, {}), policyOf({ r: after }, {}));
  return { gains: effect?.gains ?? [], loses: effect?.loses ?? [] };
};

/** A rule on a condition. */
const ON_X = { rule: "a:b", when: "event.x == 'y'" };

describe("who gains and loses what", () => {
  it("names people, groups and whoever has a role from a token, together where the same happens to them", () => {
    const before = policyOf(
      { viewer: { allow: ["order:read"] }, heir: { inherits: ["viewer"] } },
      { viewer: ["alice", "group:ops"], heir: ["bob"] },
    );
    const after = policyOf(
      { viewer: { allow: ["order:read", "note:read"] }, heir: { inherits: ["viewer"] } },
      { viewer: ["group:ops"], heir: ["bob"] },
    );
    expect(effectsOf(before, after)).toEqual([
      { who: ["alice"], gains: [], loses: ["order:read"] },
      { who: ["group:ops", "bob", "role:viewer", "role:heir"], gains: ["note:read"], loses: [] },
    ]);
  });

  it("looks at what was set over HTTP before what the document binds", () => {
    const roles = { viewer: { allow: ["order:read"] } };
    const after = policyOf(roles, { viewer: ["alice", "bob"] }, { alice: [] });
    expect(effectsOf(policyOf(roles, {}), after)).toEqual([{ who: ["bob"], gains: ["order:read"], loses: [] }]);
  });

  it.each([
    [{ allow: ["a:b"] }, { allow: ["a:*"] }, ["a:*"], []],
    [{ allow: ["a:*"] }, { allow: ["a:b"] }, [], ["a:*"]],
    [{ allow: ["a:b", "a:b@x.y"] }, { allow: ["a:b"] }, [], []],
    [{ allow: ["a:*"] }, { allow: ["a:*"], deny: ["a:b"] }, [], ["a:b (denied now)"]],
    [{ allow: ["a:*"], deny: ["a:b"] }, { allow: ["a:*"] }, ["a:b (denied before)"], []],
    [{ allow: ["a:b"] }, { allow: ["a:b"], deny: ["a:*"] }, [], ["a:b"]],
    [{ allow: ["a:b"] }, { allow: ["a:b"], deny: ["c:*"] }, [], []],
    [{ allow: ["a:b@x.{sub}"] }, { allow: ["a:b@x.*"] }, ["a:b@x.*"], []],
    [{ allow: ["a:b@x.*"], deny: ["a:b@x.{sub}"] }, { allow: ["a:b@x.*"] }, ["a:b@x.{sub} (denied before)"], []],
    [{ allow: ["a:b"] }, { allow: ["c:d"] }, ["c:d"], ["a:b"]],
    [{ allow: [ON_X] }, { allow: ["a:b"] }, ["a:b"], []],
    [{ allow: ["a:b"] }, { allow: ["a:b"], deny: [ON_X] }, [], ["a:b when event.x == 'y' (denied now)"]],
  ])("from %j to %j: gains %j, loses %j", (before, after, gains, loses) => {
    expect(change(before, after)).toEqual({ gains, loses });
  });
});
