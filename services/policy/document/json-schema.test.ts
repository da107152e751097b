import { readFile } from "node:fs/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { documentJsonSchema } from "./json-schema.ts";
import { parseDocument } from "./parse-document.ts";

const POLICIES = new URL("../../../infra/policies/", import.meta.url);

const isValid = new Ajv2020({ allowUnionTypes: true, validateFormats: false }).compile(documentJsonSchema());

/** What policy says, and what the schema says. */
const verdicts = (text: string): [policy: boolean, schema: boolean] => [
  parseDocument(text, undefined).faults === undefined,
  isValid(parse(text)),
];

/** A document with this in one of its places. */
const rule = (text: string): string => `tenant: acme\nroles: { a: { allow: [${JSON.stringify(text)}] } }`;
const conditional = (fields: string): string => `tenant: acme\nroles: { a: { deny: [{ ${fields} }] } }`;
const event = (pattern: string): string => `tenant: acme\nevents: { ${JSON.stringify(pattern)}: a:b }`;
const binding = (fields: string): string => `tenant: acme\nroles: { a: {} }\nbindings: [{ role: a, ${fields} }]`;
const attributes = (fields: string): string => `tenant: acme\nattributes: { ${fields} }`;
const route = (path: string, topics = "[]"): string =>
  `tenant: acme\nroutes: [{ method: GET, path: ${JSON.stringify(path)}, permission: a:b, topics: ${topics} }]`;
const testCase = (fields: string): string => `tenant: acme\ntests: [{ subject: a, expect: deny, ${fields} }]`;

describe("the JSON Schema of a policy document", () => {
  it("is the one that is published", async () => {
    const published: unknown = JSON.parse(await readFile(new URL("policy.schema.json", POLICIES), "utf8"));
    // Where it is not: npm run gen
    expect(published).toEqual(documentJsonSchema());
  });

  it.each(["demo", "rival"])("is named by the document of tenant %s, and takes it", async (tenant) => {
    const text = await readFile(new URL(`${tenant}.yaml`, POLICIES), "utf8");
    expect(text.split("\n")[0]).toBe("# yaml-language-server: $schema=policy.schema.json");
    expect(verdicts(text)).toEqual([true, true]);
  });

  it("takes the example of the README", async () => {
    const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
    const [, text = ""] = /```yaml\n(tenant: [^]*?)```/.exec(readme) ?? [];
    expect(verdicts(text)).toEqual([true, true]);
  });

  it.each([
    'tenant: acme\nroles: { "Orders.Read All": {}, "a,b@c%": { inherits: ["Orders.Read All"] } }',
    binding(
      'subjects: ["jane.doe@acme.example", "group:/ops/on call", "subject:group:ops", "system:a:b", "*", "Zoë", "👩‍💻"]',
    ),
    attributes('"auth0|64a": { c: d }, "group:a b": { c: d }'),
    rule("a:b@x.jane%40acme%2Ecom.{sub}"),
    event("a%2Eb.*"),
    route("/a/{id}", '["x.%C3%A9.{id}"]'),
    testCase('topic: a.b%20c, roles: ["a b"], groups: ["/ops"]'),
  ])("takes names of any text, as policy does: %s", (text) => {
    expect(verdicts(text)).toEqual([true, true]);
  });

  it("says of every property what it means", () => {
    const silent: string[] = [];
    const look = (schema: Record<string, unknown>, path: string): void => {
      for (const [name, child] of Object.entries((schema["properties"] ?? {}) as Record<string, object>)) {
        if (!("description" in child)) silent.push(`${path}.${name}`);
      }
      for (const [name, child] of Object.entries(schema)) {
        if (typeof child === "object" && child !== null) look(child as Record<string, unknown>, `${path}/${name}`);
      }
    };
    look(documentJsonSchema(), "");
    expect(silent).toEqual([]);
  });

  it.each([
    "tenant: acme",
    rule("a:b"),
    rule("a:b:c:*"),
    rule("*:*@>"),
    rule("a:b@x.{sub}.{tenant}.{team}.>"),
    rule(`a:b@${Array(8).fill("x").join(".")}`),
    conditional('rule: "a:b@x.*", when: "event.region in subject.regions"'),
    event(">"),
    event("a.>"),
    event("*.b"),
    "tenant: acme\nevents: { a.b: { read: 'a:b' }, a.c: { read: 'a:b', publish: 'a:c' } }",
    binding("subjects: []"),
    binding('subjects: [a, "group:b"], until: "2030-01-31T18:00:00+01:00"'),
    attributes('a: { team: x }, "group:b": { teams: [x, y] }'),
    attributes("a: { limit: 1000, share: 0.5, admin: true, levels: [1, x] }"),
    route("/"),
    route("/a/{b}/c.d/{e?}", '["x.{b}.{e}", ">"]'),
    route("/a/{b}/{c*}", '["x.{b}"]'),
    route("/{c*?}"),
    testCase("topic: a.b.c"),
    testCase("topic: a.b, attributes: { region: eu, amount: 7, urgent: false }"),
    testCase("publish: a.b.c"),
    testCase("publish: a.b, attributes: { region: eu }"),
    testCase("method: GET, path: /a"),
    "tenant: acme\ntrust: [{ issuer: x, roles: true }]",
    testCase('permission: "a:b", roles: [x], groups: [y]'),
  ])("takes what policy takes: %s", (text) => {
    expect(verdicts(text)).toEqual([true, true]);
  });

  it.each([
    "{}",
    "[]",
    'tenant: "*"',
    "tenant: 7",
    "tenant: acme\nowner: me",
    "tenant: acme\nroles: []",
    'tenant: acme\nroles: { "a\\tb": {} }',
    "tenant: acme\nroles: { a: { allows: [] } }",
    "tenant: acme\nroles: { a: { inherits: ['']} }",
    rule("a"),
    rule("a:b@"),
    rule("a:b@x"),
    rule("a:b@x.>.y"),
    rule("a:b@x.y@z.w"),
    rule("a:b@x.u{sub}"),
    rule("a:b@x.%61"),
    rule("a:b@x.%c3%a9"),
    rule("a:b:*x"),
    rule(`a:b@${Array(9).fill("x").join(".")}`),
    rule(Array(9).fill("x").join(":")),
    conditional('rule: "a:b"'),
    conditional('when: "event.a == subject.b"'),
    conditional('rule: "a:b", when: "event.a == subject.b", until: now'),
    event("a"),
    event("a.b.c"),
    event("a.b.>"),
    event("a.b*"),
    "tenant: acme\nevents: { a.b: 'a:*' }",
    "tenant: acme\nevents: { a.b: { publish: 'a:b' } }",
    "tenant: acme\nevents: { a.b: { read: 'a:b', publish: 'a:*' } }",
    "tenant: acme\nevents: { a.b: { read: 'a:b', write: 'a:c' } }",
    testCase("publish: a.*"),
    testCase("publish: a.b, topic: a.b"),
    binding("subject: a"),
    binding('subjects: [""]'),
    binding('subjects: ["group:"]'),
    binding('subjects: ["role:a"]'),
    binding('subjects: ["subject:a"]'),
    binding('subjects: ["a\\u0085b"]'),
    binding("subjects: [7]"),
    binding("subjects: [a], until: tomorrow"),
    attributes('"subject:a": { c: d }'),
    attributes("a: { b c: d }"),
    attributes("a: { b: ~ }"),
    attributes("a: { b: [[]] }"),
    "tenant: acme\nroutes: [{ method: FETCH, path: /a, permission: a:b }]",
    "tenant: acme\nroutes: [{ path: /a, permission: a:b }]",
    route("a"),
    route("/a/"),
    route("/a//b"),
    route("/{a?}/b"),
    route("/{a*}/b"),
    route("/a/{b?*}"),
    route("/a/b*"),
    route("/a b"),
    route("/a", '["x"]'),
    testCase("topic: a.*"),
    testCase('permission: "a:*"'),
    testCase("topic: a.b, when: now"),
    testCase("roles: []"),
    "tenant: acme\ntrust: [{ roles: true }]",
    "tenant: acme\ntrust: [{ issuer: x, roles: 1 }]",
    testCase('topic: a.b, permission: "a:b"'),
    testCase("method: GET"),
    testCase("topic: a.b, path: /a"),
    testCase('permission: "a:b", attributes: { region: eu }'),
    "tenant: acme\ntests: [{ subject: a, topic: a.b }]",
    "tenant: acme\ntests: [{ topic: a.b, expect: deny }]",
    "tenant: acme\ntests: [{ subject: a, topic: a.b, expect: maybe }]",
  ])("refuses what policy refuses: %s", (text) => {
    expect(verdicts(text)).toEqual([false, false]);
  });
});
