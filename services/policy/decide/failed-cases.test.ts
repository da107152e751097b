import { describe, expect, it } from "vitest";
import { faultText } from "../document/fault.ts";
import { parseDocument } from "../document/parse-document.ts";
import { failedCases } from "./failed-cases.ts";

const ROLES = `tenant: acme
roles:
  viewer: { allow: ["order:read"], deny: ["order:read@order.hidden.>"] }
  owner: { allow: ["note:read@note.*.{sub}", { rule: "log:read", when: "event.region in subject.regions" }] }
bindings:
  - { role: viewer, subjects: [alice, "group:ops"] }
  - { role: owner, subjects: [bob] }
  - { role: owner, subjects: [dave], until: "2026-01-01T00:00:00Z" }
attributes: { bob: { regions: [eu] } }
trust: [{ issuer: "https://idp", roles: true }]
events: { "order.*": order:read, "note.*": note:read, "log.*": log:read }
routes: [{ method: GET, path: "/notes/{id?}", permission: note:read, topics: ["note.*.{id}"] }]
tests:
`;

/** What is wrong with a document that has these cases, each on a line of its own from line 14. */
const faultsOf = (...cases: string[]): string[] => {
  const parsed = parseDocument(ROLES + cases.map((each) => `  - ${each}\n`).join(""), "acme");
  return (parsed.faults ?? failedCases(parsed)).map(faultText);
};

describe("the test cases of a document", () => {
  it("hold where it answers as they expect: by permission, topic and request, for subjects, groups and roles of a token", () => {
    const cases = [
      "{ subject: alice, topic: order.created.42, expect: allow }",
      "{ subject: alice, topic: order.hidden.42, expect: deny }",
      "{ subject: alice, topic: audit.read.42, expect: deny }",
      "{ subject: alice, permission: order:read, expect: deny }",
      "{ subject: alice, permission: order:write, expect: deny }",
      "{ subject: eve, groups: [ops], topic: order.created, expect: allow }",
      "{ subject: eve, roles: [owner], topic: note.created.eve, expect: allow }",
      "{ subject: eve, roles: [owner], issuer: 'https://idp', topic: note.created.eve, expect: allow }",
      "{ subject: eve, groups: [ops], issuer: 'https://idp', topic: order.created, expect: deny }",
      "{ subject: eve, roles: [owner], issuer: 'https://other', topic: note.created.eve, expect: deny }",
      "{ subject: eve, roles: [ghost], topic: note.created.eve, expect: deny }",
      "{ subject: bob, topic: note.created.bob, expect: allow }",
      "{ subject: bob, topic: note.created.eve, expect: deny }",
      "{ subject: bob, topic: log.created, attributes: { region: eu }, expect: allow }",
      "{ subject: bob, topic: log.created, attributes: { region: us }, expect: deny }",
      "{ subject: bob, topic: log.created, expect: deny }",
      "{ subject: bob, method: GET, path: /notes/bob, expect: allow }",
      "{ subject: bob, method: GET, path: /notes/eve, expect: deny }",
      "{ subject: bob, method: PUT, path: /notes/bob, expect: deny }",
      "{ subject: dave, topic: note.created.dave, expect: allow }",
    ];
    expect(faultsOf(...cases)).toEqual([]);
  });

  it("that fail are told with their place and what the document says instead", () => {
    expect(
      faultsOf(
        "{ subject: alice, topic: order.hidden.42, expect: allow }",
        "{ subject: alice, topic: order.created.42, expect: deny }",
        "{ subject: bob, topic: order.created.42, expect: allow }",
        "{ subject: bob, topic: audit.read.42, expect: allow }",
        "{ subject: bob, topic: audit.read.42, expect: deny }",
      ),
    ).toEqual([
      "line 14, column 5: tests.0: expected allow, but role viewer says deny order:read@order.hidden.>",
      "line 15, column 5: tests.1: expected deny, but role viewer says allow order:read",
      "line 16, column 5: tests.2: expected allow, but no rule of the subject's roles is about order:read",
      expect.stringMatching(/^line 17, column 5: tests\.3: expected allow, but the event map has no permission/),
    ]);
  });

  it.each([
    ["{ subject: alice, expect: allow }", /tests\.0: must ask for one thing/],
    ["{ subject: alice, topic: a.b, permission: a:b, expect: allow }", /tests\.0: must ask for one thing/],
    ["{ subject: alice, method: GET, expect: allow }", /tests\.0: must ask for one thing/],
    ["{ subject: alice, permission: a:b, attributes: {}, expect: allow }", /tests\.0: must ask for one thing/],
    ["{ subject: alice, topic: a.*, expect: allow }", /tests\.0\.topic: must be a topic/],
    ["{ subject: alice, permission: 'a:*', expect: allow }", /tests\.0\.permission: must be a permission/],
    ['{ subject: "a\\nb", topic: a.b, expect: allow }', /tests\.0\.subject: must be 1 to 256/],
    ["{ subject: alice, topic: a.b, expect: maybe }", /tests\.0\.expect: /],
    ["{ subject: alice, topic: a.b, expect: allow, when: now }", /tests\.0\.when: this key is not known/],
  ])("are refused as %s", (each, message) => {
    expect(faultsOf(each).join("\n")).toMatch(message);
  });

  it("are at most 256", () => {
    const cases = (count: number): string[] => Array(count).fill("{ subject: a, topic: a.b, expect: deny }");
    expect(faultsOf(...cases(256))).toEqual([]);
    expect(faultsOf(...cases(257)).join()).toMatch(/tests: /);
  });
});
