import { describe, expect, it } from "vitest";
import { faultText } from "./fault.ts";
import { parseDocument } from "./parse-document.ts";
import { ruleText } from "./policy-document.ts";

const ACME = `
tenant: acme
roles:
  regional:
    allow:
      - order:read@order.*.{team}
      - { rule: "order:read@order.*", when: 'event.region in subject.regions' }
    deny: [{ rule: "order:*", when: "not event.level in ['low', 'mid']" }]
bindings:
  - { role: regional, subjects: [alice], until: 2030-01-01T00:00:00+01:00 }
attributes:
  alice: { regions: [us, eu, eu], team: blue }
  "group:ops": { regions: [] }
trust:
  - { issuer: "https://idp.example", groups: true }
`;

const faultsOf = (text: string): string[] =>
  (parseDocument(`tenant: acme\n${text}`, "acme").faults ?? []).map(faultText);
const rule = (text: string): string => `roles:\n  a: { allow: [${text}] }`;
const attributes = (value: unknown): string => `attributes: { alice: ${JSON.stringify(value)} }`;
const many = (count: number) => Array.from({ length: count }, (_, index) => `${index}`);

describe("a document", () => {
  it("may have conditions, attributes, bindings that end, and trusted issuers", () => {
    const { document, faults } = parseDocument(ACME, "acme");
    expect(faults).toBeUndefined();
    const { allow, deny } = document!.roles.get("regional")!;
    expect([...allow, ...deny].map(ruleText)).toEqual([
      "order:read@order.*.{team}",
      "order:read@order.* when event.region in subject.regions",
      "order:* when event.level not in ['low', 'mid']",
    ]);
    expect(document?.bindings[0]?.until).toBe(Date.parse("2029-12-31T23:00:00Z"));
    expect([...document!.attributes.get("alice")!]).toEqual([
      ["regions", ["eu", "us"]],
      ["team", ["blue"]],
    ]);
    expect(document?.attributes.get("group:ops")?.get("regions")).toEqual([]);
    expect(document?.trust).toEqual([{ issuer: "https://idp.example", roles: false, groups: true, attributes: false }]);
  });

  it("tells where a condition is wrong, in the text and in the condition", () => {
    const text = `
roles:
  a:
    allow:
      - rule: order:read
        when: event.region in
    deny:
      - { rule: "order", when: "event.region == 'x' or" }
      - { rule: order:read, whn: "event.region == 'x'" }
      - { when: "event.region == 'x'" }
      - [order:read]
`;
    expect(faultsOf(text)).toEqual([
      "line 7, column 15: roles.a.allow.0.when: at character 16: expected `event.<name>`, `subject.<name>`, a string, number, time, true, false, a range or a list",
      expect.stringMatching(/^line 9, column 17: roles\.a\.deny\.0\.rule: must be a permission/),
      expect.stringMatching(/^line 9, column 32: roles\.a\.deny\.0\.when: at character 23: expected/),
      expect.stringMatching(/^line 10, column 9: roles\.a\.deny\.1\.when: /),
      expect.stringMatching(/^line 10, column 29: roles\.a\.deny\.1\.whn: this key is not known/),
      expect.stringMatching(/^line 11, column 9: roles\.a\.deny\.2\.rule: /),
      expect.stringMatching(/^line 12, column 9: roles\.a\.deny\.3: must be a rule such as order:read/),
    ]);
  });

  it.each([
    ["a condition that is no text", rule("{ rule: 'a:b', when: true }"), /expected string/],
    [
      "a binding that ends on no day",
      "roles: {a: {}}\nbindings: [{role: a, subjects: [], until: soon}]",
      /must be a time/,
    ],
    [
      "a binding that ends without a zone",
      "roles: {a: {}}\nbindings: [{role: a, subjects: [], until: 2030-01-01T00:00:00}]",
      /must be a time/,
    ],
    ["an attribute that is nothing", attributes({ age: null }), /must be a string, a number, true or false, or a list/],
    ["an attribute with a list in it", attributes({ ages: ["1", [7]] }), /must be a string, a number, true or false/],
    ["a number that is spelled in another way", "attributes: { alice: { zip: 01234 } }", /column 29: .*"01234"/],
    ["a number with a point and nothing behind it", "attributes: { alice: { zip: 7.0 } }", /as the number 7: /],
    ["a number that no number keeps", "attributes: { alice: { a: 12345678901234567890 } }", /in quotes/],
    ["a number that JSON does not keep", attributes({ a: 2 ** 60 }), /more digits than a number keeps/],
    ["no number", "attributes: { alice: { a: .nan } }", /number/],
    ["an attribute named id", attributes({ id: "bob" }), /may not be id, sub or tenant/],
    ["an attribute named tenant", attributes({ tenant: "rival" }), /may not be id, sub or tenant/],
    ["an attribute with half a character", String.raw`attributes: { alice: { a: "\ud800" } }`, /half characters/],
    ["attributes of a role", 'attributes: { "role:a": {} }', /must be the name of a subject or group:<name>/],
    [
      "an issuer that stands there twice",
      "trust: [{ issuer: x }, { issuer: x, roles: true }]",
      /^line 2, column 34: .*twice/,
    ],
    ["an issuer that is trusted for more", "trust: [{ issuer: x, subjects: true }]", /not known/],
  ])("may not have %s", (_, text, message) => {
    expect(faultsOf(text).join("\n")).toMatch(message);
  });

  it("may say numbers and booleans of somebody, which conditions read as texts", () => {
    const { document } = parseDocument(
      `tenant: acme\n${attributes({ limit: 1000, admin: true, levels: [1, "x", -0.5] })}`,
      "acme",
    );
    expect([...document!.attributes.get("alice")!]).toEqual([
      ["limit", ["1000"]],
      ["admin", ["true"]],
      ["levels", ["-0.5", "1", "x"]],
    ]);
  });

  it("may have 256 comparisons and 64 rules with an attribute in the topic, and not one more", () => {
    const withRules = (count: number, each: (index: number) => unknown): string[] => {
      const rules = Array.from({ length: count }, (_, index) => each(index));
      return faultsOf(`roles: { a: { allow: ${JSON.stringify(rules)} } }`);
    };
    const two = "event.a == 'x' and not (event.b == 'y')";
    expect(withRules(128, () => ({ rule: "a:b", when: two }))).toEqual([]);
    expect(withRules(129, () => ({ rule: "a:b", when: two })).join()).toMatch(/at most 256 comparisons/);
    const four = "event.a in [1, 2] or event.b in [10.0.0.0/8, ::1/128]";
    expect(withRules(64, () => ({ rule: "a:b", when: four }))).toEqual([]);
    expect(withRules(65, () => ({ rule: "a:b", when: four })).join()).toMatch(/at most 256 comparisons/);
    expect(withRules(64, (index) => `a:b@x${index}.{team}`)).toEqual([]);
    expect(withRules(65, (index) => `a:b@x${index}.{team}`).join()).toMatch(/at most 64 rules with an attribute/);
    expect(withRules(65, (index) => `a:b@x${index}.{sub}.{tenant}`)).toEqual([]);
  });

  it("may have 64 values and 128 characters in an attribute, 3072 bytes of them, and not one more", () => {
    expect(faultsOf(attributes({ a: many(64) }))).toEqual([]);
    expect(faultsOf(attributes({ a: many(65) })).join()).toMatch(/64/);
    expect(faultsOf(attributes({ a: "x".repeat(128) }))).toEqual([]);
    expect(faultsOf(attributes({ a: "x".repeat(129) })).join()).toMatch(/128/);
    const filled = (bytes: number) => {
      const entries = Array.from({ length: 21 }, (_, name) => [`a${String(name).padStart(2, "0")}`, "x".repeat(128)]);
      const rest = bytes - Buffer.byteLength(JSON.stringify(entries.map(([name, value]) => [name, [value]])));
      return attributes({ ...Object.fromEntries(entries), z: "x".repeat(rest - ',["z",[""]]'.length) });
    };
    expect(faultsOf(filled(3_072))).toEqual([]);
    expect(faultsOf(filled(3_073)).join()).toMatch(/3072 bytes/);
  });
});
