import { describe, expect, test } from "vitest";
import { parseDocument } from "../document/parse-document.ts";
import type { PolicySource } from "./policy-diff.ts";
import { compileSnapshot } from "./snapshot.ts";
import { namesIn, type Sight, visibilityOf } from "./visibility.ts";

const EVENTS = { "order.*": "order:read", "note.created": "note:read" };

function policyOf(document: object, set: Record<string, string[]> = {}): PolicySource {
  const text = JSON.stringify({ tenant: "acme", events: EVENTS, ...document });
  const parsed = parseDocument(text, "acme");
  if (parsed.document === undefined) throw new Error(JSON.stringify(parsed.faults));
  return compileSnapshot({ number: 1, build: "b" }, parsed.document, new Map(Object.entries(set)), 0);
}

/** How much of `order.*` a role with these rules sees. */
function ordersSeen(rules: object): Sight | undefined {
  return visibilityOf(policyOf({ roles: { r: rules } }), ["role:r"])[0]?.sees["order.*"];
}

describe("how much of a type is seen", () => {
  test.each([
    [{ allow: ["order:read"] }],
    [{ allow: ["*:*"] }],
    [{ allow: ["order:read@order.>"] }],
    [{ allow: ["order:read"], deny: ["order:read@note.>"] }],
  ])("all of it by %j", (rules) => expect(ordersSeen(rules)).toEqual({ how: "all", rules: [] }));

  test.each([
    [{ allow: ["order:read@order.created.>"] }, ["order:read@order.created.>"]],
    [{ allow: ["order:read@order.*.{sub}"] }, ["order:read@order.*.{sub}"]],
    [{ allow: ["order:read"], deny: ["order:read@order.hidden.>"] }, ["order:read", "deny order:read@order.hidden.>"]],
    [{ allow: [{ rule: "order:read", when: "event.x == 'y'" }] }, ["order:read when event.x == 'y'"]],
  ])("some of it by %j, and by which rules", (rules, texts) =>
    expect(ordersSeen(rules)).toEqual({ how: "some", rules: texts }),
  );

  test.each([
    [{ allow: ["note:read"] }],
    [{ allow: ["order:read@note.>"] }],
    [{ allow: ["order:read"], deny: ["order:*"] }],
    [{ deny: ["note:read"] }],
  ])("nothing of it by %j", (rules) => expect(ordersSeen(rules)).toBeUndefined());

  test("a long list of rules is cut", () => {
    const allow = Array.from({ length: 9 }, (_, place) => `order:read@order.a${place}.>`);
    expect(ordersSeen({ allow })?.rules).toHaveLength(5);
  });
});

test("people come before groups, and both before roles; what was set over HTTP replaces what the document binds", () => {
  const roles = { viewer: { allow: ["order:read"] }, heir: { inherits: ["viewer"] } };
  const bindings = [{ role: "heir", subjects: ["group:ops", "bob", "carol"] }];
  const source = policyOf({ roles, bindings }, { alice: ["viewer"], carol: [] });
  const names = namesIn(source);
  expect(names).toEqual(["alice", "bob", "carol", "group:ops", "role:heir", "role:viewer"]);
  const seen = visibilityOf(source, [...names, "nobody"]).map(({ who, sees }) => [who, Object.keys(sees)]);
  expect(seen).toEqual([...names.map((who) => [who, who === "carol" ? [] : ["order.*"]]), ["nobody", []]]);
});

test("10 000 rules beside 1 000 event types are looked at in a fraction of the time that a review has", () => {
  const actions = Array.from({ length: 40 }, (_, team) => `act${team}`);
  const roles = Object.fromEntries(
    actions.map((action, team) => [
      `team${team}`,
      { allow: Array.from({ length: 250 }, (_, place) => `res${(team * 250 + place) % 2_500}:${action}`) },
    ]),
  );
  const events = Object.fromEntries(Array.from({ length: 1_000 }, (_, place) => [`res${place}.*`, `res${place}:act0`]));
  const people = Array.from({ length: 5 }, (_, place) => `p${place}`);
  const bindings = people.map((name, place) => ({ role: `team${place}`, subjects: [name] }));
  const all = { role: "all", subjects: people };
  const source = policyOf({
    roles: { ...roles, all: { inherits: Object.keys(roles) } },
    bindings: [...bindings, all],
    events,
  });
  const begun = performance.now();
  const seen = visibilityOf(source, people).map(({ sees }) => Object.keys(sees).length);
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect(seen).toEqual(people.map(() => 250));
});
