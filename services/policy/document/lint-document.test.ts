import { describe, expect, it } from "vitest";
import { faultText } from "./fault.ts";
import { lintDocument } from "./lint-document.ts";
import { parseDocument } from "./parse-document.ts";

const NOW = Date.parse("2027-01-15T08:00:00Z");

const warningsOf = (text: string): string[] => {
  const parsed = parseDocument(text, "acme");
  if (parsed.faults !== undefined) throw new Error(parsed.faults.map(faultText).join("\n"));
  return lintDocument(parsed.document, NOW)
    .map(({ path, key, message }) => faultText(parsed.faultAt(path, message, key)))
    .map((line) => line.replace(/^line (\d+), column (\d+): [^ ]+: /, "$1:$2 "));
};

/** A document with one role `r` (and a parent `p`), its rules from line 4 on. */
const ruleWarnings = (allow: unknown[], deny: string[] = [], parentDeny: string[] = []): string[] =>
  warningsOf(
    [
      "tenant: acme",
      "roles:",
      "  r:",
      `    allow: ${JSON.stringify(allow)}`,
      `    deny: ${JSON.stringify(deny)}`,
      "    inherits: [p]",
      `  p: { allow: ["never:used"], deny: ${JSON.stringify(parentDeny)} }`,
      "bindings: [{ role: r, subjects: [a] }, { role: p, subjects: [a] }]",
    ].join("\n"),
  );

describe("lint", () => {
  it("has nothing to say about a document in which everything matters", () => {
    const text = `tenant: acme
roles:
  viewer: { allow: ["order:read"], deny: ["order:read@order.hidden.>"] }
  heir: { inherits: [viewer], allow: ["note:*", "order:list", "all:*"], deny: ["note:publish"] }
bindings: [{ role: heir, subjects: [alice] }]
events: { "order.created": order:read, "order.*": order:list, ">": all:read }
routes:
  - { method: GET, path: "/orders/{id}", permission: order:read }
  - { method: GET, path: "/orders/{id?}", permission: order:list }
  - { method: PUT, path: "/orders/{id}", permission: order:write }
`;
    expect(warningsOf(text)).toEqual([]);
  });

  it.each([
    [["a:b", "a:*"], "4:13 a:b is covered by a:*"],
    [["a:*", "a:b:c"], "4:19 a:b:c is covered by a:*"],
    [["*:*", "a:*:*"], "4:19 a:*:* is covered by *:*"],
    [["a:b", "a:b"], "4:19 a:b is covered by a:b"],
    [["a:b@x.*", "a:b@x.y"], "4:23 a:b@x.y is covered by a:b@x.*"],
    [["a:b", "a:b@x.{sub}"], "4:19 a:b@x.{sub} is covered by a:b"],
    [["a:b", "a:b@>"], "4:19 a:b@> is covered by a:b"],
    [["a:b", { rule: "a:b", when: "event.x == 'y'" }], "4:19 a:b when event.x == 'y' is covered by a:b"],
    [
      [
        { rule: "a:*", when: "event.x == 'y'" },
        { rule: "a:b@x.*", when: "event.x=='y'" },
      ],
      "4:52 a:b@x.* when event.x == 'y' is covered by a:* when event.x == 'y'",
    ],
    [["a:b@x.*", "a:b@x.{sub}"], "4:23 a:b@x.{sub} is covered by a:b@x.*"],
  ])("finds the rule that another of %j covers", (allow, warning) => {
    expect(ruleWarnings(allow)).toEqual([warning]);
  });

  it.each([
    [["a:b:c", "a:b"]],
    [["a:*", "b:*"]],
    [["a:*:*", "a:b"]],
    [["*:read", "a:*"]],
    [["a:b@x.y", "a:b@x.z"]],
    [["a:b@x.{sub}", "a:b@x.{tenant}"]],
    [["a:*@x.y", "a:b@x.*"]],
    [
      [
        { rule: "a:b", when: "event.x == 'y'" },
        { rule: "a:b", when: "event.x == 'z'" },
      ],
    ],
    [[{ rule: "a:b@x.*", when: "event.x == 'y'" }, "a:b@x.y"]],
  ])("leaves %j, of which neither covers the other", (allow) => {
    expect(ruleWarnings(allow)).toEqual([]);
  });

  it("finds what a deny of the same role or of an inherited one always beats", () => {
    expect(ruleWarnings(["a:b"], ["a:*"])).toEqual([
      "4:13 a:b never allows anything: it is always beaten by deny a:* of this role",
    ]);
    expect(ruleWarnings(["a:b@x.y"], [], ["a:b@x.*"])).toEqual([
      '4:13 a:b@x.y never allows anything: it is always beaten by deny a:b@x.* of role "p", which this one inherits',
    ]);
    expect(ruleWarnings(["a:b"], ["a:b@x.*"])).toEqual([]);
    expect(ruleWarnings(["a:*"], ["a:b"])).toEqual([]);
  });

  it("finds event patterns that no event type gets to", () => {
    const events = '{ "order.>": a:b, "order.*": c:d, "order.created": e:f, "*.*": g:h, ">": i:j, "x.y": k:l }';
    expect(warningsOf(`tenant: acme\nevents: ${events}`)).toEqual([
      "2:27 no event type gets here: order.> comes first",
      "2:43 no event type gets here: order.> comes first",
      expect.stringMatching(/^2:\d+ no event type gets here: \*\.\* comes first$/),
      expect.stringMatching(/^2:\d+ no event type gets here: \*\.\* comes first$/),
    ]);
  });

  it("finds routes that no request gets to", () => {
    const routes = ["/a/{id?}", "/a", "/a/b", "/a/{x}/c", "/{x}/b/c", "/a/b/c"].map(
      (path) => `  - { method: GET, path: "${path}", permission: a:b }\n`,
    );
    expect(warningsOf(`tenant: acme\nroutes:\n${routes.join("")}`)).toEqual([
      "4:5 no request gets here: GET /a/{id?} comes first",
      "5:5 no request gets here: GET /a/{id?} comes first",
      "8:5 no request gets here: GET /a/{x}/c comes first",
    ]);
  });

  it("finds routes that one for everything under a path takes in", () => {
    const routes = ["/a/{x}", "/a/{rest*}", "/a/b/{c?}", "/a/{id?}", "/a/b/{more*}", "/{any*?}", "/", "/b/{c*?}"].map(
      (path) => `  - { method: GET, path: "${path}", permission: a:b }\n`,
    );
    expect(warningsOf(`tenant: acme\nroutes:\n${routes.join("")}`)).toEqual([
      "5:5 no request gets here: GET /a/{rest*} comes first",
      "7:5 no request gets here: GET /a/{rest*} comes first",
      "9:5 no request gets here: GET /{any*?} comes first",
      "10:5 no request gets here: GET /{any*?} comes first",
    ]);
    const root = ["/{x}", "/{any*}", "/"].map((path) => `  - { method: GET, path: "${path}", permission: a:b }\n`);
    expect(warningsOf(`tenant: acme\nroutes:\n${root.join("")}`)).toEqual([]);
  });

  it("finds attributes that no rule looks at, and those that rules look at and nobody has", () => {
    const text = `tenant: acme
roles:
  a: { allow: ["a:b@x.{team}.{sub}.{tenant}", { rule: "a:b", when: "event.region in subject.regions" }] }
  b: { deny: ["a:b@x.{city}", { rule: "c:d", when: "not subject.id in subject.friends" }] }
bindings: [{ role: a, subjects: [u] }, { role: b, subjects: [u] }]
attributes:
  u: { team: t, unused: x }
  "group:g": { regions: [eu] }
`;
    expect(warningsOf(text)).toEqual([
      '4:15 nobody has the attribute "city", which a:b@x.{city} looks at',
      `4:31 nobody has the attribute "friends", which c:d when subject.id not in subject.friends looks at`,
      "7:17 no rule looks at this attribute",
    ]);
  });

  it("finds ranges of addresses that stand in quotes", () => {
    const inQuotes = { rule: "a:b", when: "event.ip in ['10.0.0.0/8', 'eu'] or event.net == '::/0'" };
    expect(ruleWarnings([inQuotes, { rule: "c:d", when: "event.ip in 10.0.0.0/8 and event.path == '/8'" }])).toEqual([
      "4:13 '10.0.0.0/8' is compared as a text; without quotes, behind `in`, it is a range of addresses",
      "4:13 '::/0' is compared as a text; without quotes, behind `in`, it is a range of addresses",
    ]);
  });

  it("finds bindings that have ended", () => {
    const binding = (until: string): string => `{ role: r, subjects: [a], until: "${until}" }`;
    const bindings = `bindings: [${binding("2027-01-15T08:00:00Z")}, ${binding("2027-01-15T08:00:00.001Z")}]`;
    expect(warningsOf(`tenant: acme\nroles: { r: { allow: ["a:b"] } }\n${bindings}`)).toEqual([
      "3:45 this binding has ended",
    ]);
  });

  it("finds a star where a name stands", () => {
    const bindings = 'bindings: [{ role: r, subjects: ["*", a*, "group:*"] }]';
    expect(warningsOf(`tenant: acme\nroles: { r: { allow: ["a:b"] } }\n${bindings}`)).toEqual([
      "3:34 * is the one of this name, and does not stand for everybody",
      "3:43 group:* is the one of this name, and does not stand for everybody",
    ]);
  });

  it("finds bindings and roles of no use", () => {
    const text = `tenant: acme
roles:
  parent: {}
  empty: { inherits: [parent] }
  unused: { allow: ["a:b"] }
  good: { allow: ["a:b"] }
bindings:
  - { role: good, subjects: [] }
  - { role: empty, subjects: [alice] }
`;
    expect(warningsOf(text)).toEqual([
      "5:3 nobody is bound to this role, and no role inherits it",
      "8:5 this binding has no subjects",
      '9:13 role "empty" has no rules, and inherits none',
    ]);
  });
});
