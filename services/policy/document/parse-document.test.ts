import { describe, expect, it } from "vitest";
import { faultText } from "./fault.ts";
import { MAX_DOCUMENT_BYTES, parseDocument } from "./parse-document.ts";

const ACME = `
tenant: acme
roles:
  viewer:  { allow: ["order:read", "invoice:read"] }
  support: { inherits: [viewer], allow: ["ticket:*"], deny: ["ticket:delete"] }
  owner:   { allow: ["order:read@order.*.{sub}", "*:*@{tenant}.>"] }
bindings:
  - { role: viewer, subjects: ["alice", "group:ops"] }
events:
  "order.*": order:read
  "audit.>": audit:read
routes:
  - { method: GET, path: "/api/v1/orders/{id?}", permission: order:read, topics: ["order.*.{id}", "order.*"] }
`;

const padded = (bytes: number): string => `tenant: acme\n#${"x".repeat(bytes - 14)}`;
const faultsOf = (text: string): string[] => (parseDocument(text, "acme").faults ?? []).map(faultText);

describe("a policy document", () => {
  it("is read whole, with its event rules in order", () => {
    const { document } = parseDocument(ACME, "acme");
    expect(document?.roles.get("support")).toEqual({
      inherits: ["viewer"],
      allow: [{ permission: "ticket:*" }],
      deny: [{ permission: "ticket:delete" }],
    });
    expect(document?.roles.get("owner")?.allow[0]).toEqual({ permission: "order:read", topic: "order.*.{sub}" });
    expect(document?.bindings).toEqual([{ role: "viewer", subjects: ["alice", "group:ops"] }]);
    expect(document?.events).toEqual([
      { pattern: "order.*", permission: "order:read" },
      { pattern: "audit.>", permission: "audit:read" },
    ]);
    expect(document?.routes).toHaveLength(1);
  });

  it("may be JSON, with tabs", () => {
    const json = JSON.stringify({ tenant: "acme", roles: { viewer: { allow: ["order:read"] } } }, null, "\t");
    expect(parseDocument(json, "acme").document?.roles.has("viewer")).toBe(true);
  });

  it("may begin with a byte order mark, and have numbers as keys", () => {
    const { document } = parseDocument("\u{FEFF}tenant: acme\nroles: { 2024: {}, 007: {} }", "acme");
    expect([...(document?.roles.keys() ?? [])].toSorted()).toEqual(["007", "2024"]);
  });

  it("may define roles named like what every object has", () => {
    const { document } = parseDocument("tenant: acme\nroles: { constructor: {}, toString: {} }", "acme");
    expect([...(document?.roles.keys() ?? [])]).toEqual(["constructor", "toString"]);
  });

  it("may share a list by an alias", () => {
    const text = 'tenant: acme\nroles:\n  a: { allow: &read ["order:read"] }\n  b: { allow: *read }\n';
    expect(parseDocument(text, "acme").document?.roles.get("b")?.allow).toHaveLength(1);
  });

  it("shows all its faults at once, each with its line and column", () => {
    const text = `tenant: rival
roles:
  viewer: { allow: ["order"], grants: [] }
  "no\\tgood": {}
  a: { inherits: [b] }
  b: { inherits: [a, ghost] }
bindings:
  - { role: nobody, subjects: ["bob", "role:a"] }
events:
  "order.*.42": order:read
  "order.*": "order:*"
routes:
  - { method: FETCH, path: "/a/{id}", permission: order:read, topics: ["order.*.{key}"] }
owner: me
`;
    expect(faultsOf(text)).toEqual([
      expect.stringMatching(/^line 1, column 9: tenant: this is the document of tenant "acme"/),
      expect.stringMatching(/^line 3, column 21: roles\.viewer\.allow\.0: must be a permission/),
      expect.stringMatching(/^line 3, column 31: roles\.viewer\.grants: this key is not known/),
      expect.stringMatching(/^line 4, column 3: roles\.no\tgood: this key must be 1 to 256/),
      expect.stringMatching(/^line 5, column 18: roles\.a\.inherits: role "a" inherits itself/),
      expect.stringMatching(/^line 6, column 18: roles\.b\.inherits: role "b" inherits itself/),
      expect.stringMatching(/^line 6, column 22: roles\.b\.inherits\.1: there is no role "ghost"/),
      expect.stringMatching(/^line 8, column 13: bindings\.0\.role: there is no role "nobody"/),
      expect.stringMatching(/^line 8, column 39: bindings\.0\.subjects\.1: must be the name of a subject/),
      expect.stringMatching(/^line 10, column 3: events\.order\.\*\.42: this key must be a pattern over event types/),
      expect.stringMatching(/^line 11, column 14: events\.order\.\*: must be a permission/),
      expect.stringMatching(/^line 13, column 15: routes\.0\.method: /),
      expect.stringMatching(/^line 13, column 72: routes\.0\.topics\.0: must be a topic pattern/),
      expect.stringMatching(/^line 14, column 1: owner: this key is not known/),
    ]);
  });

  it.each([
    ["nothing at all", "", /object/],
    ["a list", "- tenant: acme", /object/],
    ["broken YAML", "tenant: acme\nroles: {", /line 2/],
    [
      "a key given twice",
      "tenant: acme\nroles: { a: {}, a: {} }",
      /^line 2, column 17: .*"a" is given twice; it stands in line 2/,
    ],
    ["two documents", "tenant: acme\n---\ntenant: acme", /^line 2, column 1: .*multiple documents.*file of its own/],
    ["a second document behind its end", "tenant: acme\n...\nroles: {}", /^line 3, column 1: .*multiple documents/],
    [
      "a merge key",
      "tenant: acme\nroles:\n  a: &a {}\n  b:\n    <<: *a",
      /^line 5, column 5: merge keys \(<<\).*inherit/,
    ],
    ["a tab", "tenant: acme\nroles:\n\ta: {}", /^line 3, column 1: a tab stands here; indent with spaces/],
    ["a byte order mark inside", "tenant: acme\n\u{FEFF}roles: {}", /^line 2, column 1: .*byte order mark/],
    [
      "a wildcard without quotes",
      "tenant: acme\nroles: { a: { allow: [*:*] } }",
      /^line 2, column 23: .*quotes: "\*:\*"/,
    ],
    ["a colon without quotes", "tenant: acme\nroles: a: b", /^line 2, column 8: .*quotes/],
    [
      "a number as a role",
      "tenant: acme\nroles: { 42: {} }\nbindings: [{ role: 42, subjects: [] }]",
      /column 20: .*, "42"/,
    ],
    ["a boolean as a tenant", "tenant: true", /^line 1, column 9: tenant: expected string, and true is a boolean/],
    ["a custom tag", "tenant: !!js/function x", /Unresolved tag/],
    ["binary", "tenant: !!binary YWNtZQ==", /tag tag:yaml.org,2002:binary is not allowed/],
    ["__proto__ as a key", "tenant: acme\nroles: { __proto__: {} }", /not allowed/],
    ["a list as a key", "tenant: acme\nroles: { [a]: {} }", /keys must be strings/],
    ["an alias without an anchor", "tenant: *acme", /alias/],
    ["nesting without end", `tenant: ${"[".repeat(50_000)}`, /nested 32 levels/],
    [
      "a number as a subject",
      "tenant: acme\nroles: {a: {}}\nbindings: [{role: a, subjects: [7]}]",
      /expected string, and 7 is a number: put it in quotes, "7"/,
    ],
    ["a role that inherits itself", "tenant: acme\nroles: { a: { inherits: [a] } }", /inherits itself/],
    ["a wildcard in the tenant", 'tenant: "*"', /must be 1 to 64/],
    ["NUL in a role's name", 'tenant: acme\nroles: { "a\\0b": {} }', /must be 1 to 256/],
    ["an open topic in the middle", 'tenant: acme\nroles: { a: { allow: ["a:b@x.>.y"] } }', /topic pattern/],
    ["a placeholder inside a token", 'tenant: acme\nroles: { a: { allow: ["a:b@x.u{sub}"] } }', /topic pattern/],
    ["a placeholder that is no name", 'tenant: acme\nroles: { a: { allow: ["a:b@x.{us er}"] } }', /topic pattern/],
    ["two limits on a rule", 'tenant: acme\nroles: { a: { allow: ["a:b@x.y@z.w"] } }', /permission/],
    [
      "an optional placeholder in the middle",
      "tenant: acme\nroutes: [{method: GET, path: '/{a?}/b', permission: 'a:b'}]",
      /path/,
    ],
  ])("refuses %s", (_, text, message) => {
    expect(faultsOf(text).join("\n")).toMatch(message);
  });

  it("refuses aliases that unfold into gigabytes", () => {
    const levels = Array.from(
      { length: 9 },
      (_, level) => `l${level + 1}: &l${level + 1} [${Array(9).fill(`*l${level}`).join()}]`,
    );
    expect(faultsOf(`l0: &l0 [x]\n${levels.join("\n")}`).join()).toMatch(/alias count/);
  });

  it("may have 1 MiB, and not one byte more", () => {
    expect(faultsOf(padded(MAX_DOCUMENT_BYTES))).toEqual([]);
    expect(faultsOf(padded(MAX_DOCUMENT_BYTES + 1)).join()).toMatch(/1048576 bytes/);
  });

  it("may have 2048 roles, and not one more", () => {
    const withRoles = (count: number): string =>
      `tenant: acme\nroles:\n${Array.from({ length: count }, (_, role) => `  r${role}: {}\n`).join("")}`;
    expect(faultsOf(withRoles(2_048))).toEqual([]);
    expect(faultsOf(withRoles(2_049)).join()).toMatch(/roles: may have at most 2048 entries/);
  });

  it("may have 16384 rules and 256 limited ones, and not one more", () => {
    const withRules = (rules: number, text: string): string => {
      const roles = Array.from({ length: Math.ceil(rules / 256) }, (_, role) => {
        const allow = Array.from({ length: Math.min(256, rules - role * 256) }, (_rule, index) => `p${index}${text}`);
        return [`r${role}`, { allow }];
      });
      return JSON.stringify({ tenant: "acme", roles: Object.fromEntries(roles) });
    };
    expect(faultsOf(withRules(16_384, ":read"))).toEqual([]);
    expect(faultsOf(withRules(16_385, ":read")).join()).toMatch(/at most 16384 rules in all/);
    expect(faultsOf(withRules(256, ":read@a.*"))).toEqual([]);
    expect(faultsOf(withRules(257, ":read@a.*")).join()).toMatch(
      /at most 256 rules with a topic pattern, a condition or a mask/,
    );
  });

  it.each([
    ["without an anchor", `tenant: acme\na: [${"*x,".repeat(50_000)}]`, /1000 aliases; write the rest out/],
    ["of one anchor", `tenant: &x acme\na: [${"*x,".repeat(50_000)}]`, /1000 aliases; write the rest out/],
    [
      "each of an anchor of its own",
      `tenant: acme\na: [${Array.from({ length: 20_000 }, (_, each) => `&a${each} x, *a${each}`).join()}]`,
      /1000 aliases; write the rest out/,
    ],
    ["of themselves", "a: &a [*a]", /inside what it repeats/],
  ])("is refused quickly, however many aliases it has: %s", (_, text, fault) => {
    const began = process.cpuUsage();
    expect(faultsOf(text)[0]).toMatch(fault);
    expect(process.cpuUsage(began).user).toBeLessThan(10_000_000);
  });

  it("is refused quickly, however many faults it has", () => {
    const roles = Array.from({ length: 30_000 }, (_, role) => `  r${role}: { x: 1 }`).join("\n");
    const began = process.cpuUsage();
    expect(faultsOf(`tenant: acme\nroles:\n${roles}`)).toHaveLength(100);
    // Processor time: the machine may be busy with something else.
    expect(process.cpuUsage(began).user).toBeLessThan(10_000_000);
  });
});
