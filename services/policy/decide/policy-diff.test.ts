import { describe, expect, it } from "vitest";
import { parseDocument } from "../document/parse-document.ts";
import { differenceText, diffPolicies, type PolicySource } from "./policy-diff.ts";
import { compileSnapshot } from "./snapshot.ts";

const NOW = Date.parse("2027-01-15T08:00:00Z");

const policyOf = (rest: object, set: Record<string, string[]> = {}): PolicySource => {
  const { document, faults } = parseDocument(JSON.stringify({ tenant: "acme", ...rest }), "acme");
  if (document === undefined) throw new Error(JSON.stringify(faults));
  return compileSnapshot({ number: 1, build: "b" }, document, new Map(Object.entries(set)), NOW);
};
const lines = (before: PolicySource, after: PolicySource): string[] =>
  diffPolicies(before, after).differences.map(differenceText);

const route = (path: string, permission: string) => ({ method: "GET", path, permission });

describe("the diff of two policies", () => {
  it("names what came, went and changed, of every kind", () => {
    const before = policyOf(
      {
        roles: { viewer: { allow: ["order:read"] }, heir: { inherits: ["viewer"] } },
        bindings: [{ role: "viewer", subjects: ["alice", "bob"] }],
        attributes: { alice: { regions: ["eu", "us"], team: "a" } },
        trust: [{ issuer: "https://one", roles: true, groups: true }],
        events: { "order.*": "order:read", "audit.*": "audit:read" },
        routes: [route("/orders", "order:read")],
      },
      { dave: ["viewer"], eve: [] },
    );
    const after = policyOf(
      {
        roles: { viewer: { allow: ["note:read@note.*.{sub}"], deny: ["order:read"] }, other: {} },
        bindings: [
          { role: "viewer", subjects: ["alice"] },
          { role: "viewer", subjects: ["carol"], until: "2030-01-31T18:00:00+01:00" },
        ],
        attributes: { alice: { regions: "eu" }, "group:ops": { team: "b" } },
        trust: [{ issuer: "https://one", groups: true }, { issuer: "https://two" }],
        events: { "order.*": "order:list", "note.*": "note:read" },
        routes: [route("/orders", "order:list"), route("/notes", "note:read")],
      },
      { dave: ["viewer", "other"] },
    );
    expect(lines(before, after).toSorted()).toEqual(
      [
        "- role heir",
        "+ role other",
        "- inherits heir viewer",
        "- allow viewer order:read",
        "+ allow viewer note:read@note.*.{sub}",
        "+ deny viewer order:read",
        "- binding bob viewer",
        "+ binding carol viewer until 2030-01-31T17:00:00.000Z",
        "~ attribute alice regions eu, us → eu",
        "- attribute alice team a",
        "~ trust https://one roles and groups → groups",
        "+ trust https://two nothing",
        "+ attribute group:ops team b",
        "~ subject dave viewer → viewer, other",
        "- subject eve",
        "~ event order.* order:read → order:list",
        "- event audit.* audit:read",
        "+ event note.* note:read",
        "~ route GET /orders order:read → order:list",
        "+ route GET /notes note:read",
      ].toSorted(),
    );
  });

  it("tells of bindings that have ended as of bindings that are gone", () => {
    const document = {
      roles: { a: {} },
      bindings: [{ role: "a", subjects: ["alice"], until: "2027-01-15T08:00:00Z" }],
    };
    const later = { ...document, bindings: [{ role: "a", subjects: ["alice"], until: "2027-01-15T08:00:01Z" }] };
    expect(lines(policyOf(later), policyOf(document))).toEqual(["- binding alice a until 2027-01-15T08:00:01.000Z"]);
  });

  it("is empty where only spelling and order without meaning differ", () => {
    const one = policyOf({ roles: { a: { allow: ["x:y", "z:y"] }, b: {} } });
    const two = policyOf({ roles: { b: { allow: [] }, a: { allow: ["z:y", "x:y"] } } });
    expect(diffPolicies(one, two)).toEqual({ differences: [], more: 0 });
  });

  it("tells the new order of event patterns and routes, of which the first match wins", () => {
    const events = (...names: string[]) => ({
      events: Object.fromEntries(names.map((name) => [`${name}.*`, "a:b"])),
      routes: names.map((name) => route(`/${name}`, "a:b")),
    });
    expect(lines(policyOf(events("a", "b", "c", "d")), policyOf(events("a", "c", "b", "d")))).toEqual([
      "~ event-order b.*, c.* → c.*, b.*",
      "~ route-order GET /b, GET /c → GET /c, GET /b",
    ]);
    expect(lines(policyOf(events("a", "b")), policyOf(events("b", "a", "c")))).toContain(
      "~ event-order a.*, b.* → b.*, a.*",
    );
  });

  it("looks at the first of two routes alike, as a request does", () => {
    const twice = policyOf({ routes: [route("/a", "a:b"), route("/a", "c:d")] });
    expect(lines(twice, policyOf({ routes: [route("/a", "a:b")] }))).toEqual([]);
  });

  it("holds 50 differences of 200 characters, and counts the rest", () => {
    const roles = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`r${index}`, {}]));
    const { differences, more } = diffPolicies(policyOf({}), policyOf({ roles }));
    expect([differences.length, more]).toEqual([50, 1]);
    const long = ["a", "b", "c", "d"].map((name) => name.repeat(64)).join(":");
    const [, rule] = lines(policyOf({}), policyOf({ roles: { r: { allow: [long] } } }));
    expect(rule).toMatch(/^\+ allow r a{64}.*…$/);
    expect(rule?.length).toBe("+ allow r ".length + 200);
  });
});
