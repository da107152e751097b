import { describe, expect, it } from "vitest";
import { parseDocument } from "../document/parse-document.ts";
import { decide } from "./decide.ts";
import { decodeGrant } from "./grant.ts";
import { residualOf } from "./residual.ts";
import { resolveSubject } from "./resolve-subject.ts";
import { compileSnapshot } from "./snapshot.ts";

const ACME = `
tenant: acme
roles:
  regional: { allow: [{ rule: "order:read@order.*", when: "event.region in subject.regions" }] }
  shielded: { allow: ["order:read"], deny: [{ rule: "order:*", when: "event.level not in subject.levels" }] }
  wary: { allow: ["order:read"], deny: [{ rule: "order:*", when: "not (event.level == 'low' and subject.tags == 'staff')" }] }
  teams: { allow: ["ticket:read@ticket.*.{team}"] }
  outsiders: { allow: ["ticket:read"], deny: ["ticket:read@ticket.*.{team}"] }
  tagged: { allow: [{ rule: "note:read", when: "'staff' in subject.tags" }] }
  owners: { allow: [{ rule: "note:read", when: "event.owner == subject.id" }] }
  built: { allow: [{ rule: "note:read", when: "event.constructor != 'x'" }] }
attributes:
  alice: { regions: [us, eu, eu], levels: low, team: blue, tags: [staff], unused: "1" }
  bob: { regions: [], team: [blue, red], tags: [staff, other] }
  dave: { team: "a name" }
  erin: { team: "no\\nname" }
  "group:ops": { regions: [asia], team: [green, blue] }
  "group:far": { regions: [africa] }
`;

const { document, faults } = parseDocument(ACME, "acme");
const snapshot = compileSnapshot({ number: 1, build: "b" }, document!, new Map());
const idOf = (id: string, roles: string[], groups: string[] = []) =>
  resolveSubject(snapshot, { id, roles, groups }, 0).id;
const grantOf = (id: string, role: string) => decodeGrant(snapshot, idOf(id, [role]));
const attributesIn = (id: string): unknown =>
  JSON.parse(Buffer.from(id.split("@")[2] ?? "W10", "base64url").toString());

describe("a condition", () => {
  it.each([
    ["alice", "regional", { region: "eu" }, true, "the value is in the list"],
    ["alice", "regional", { region: "asia" }, false, "the value is not"],
    ["alice", "regional", {}, false, "what the event does not say allows nothing"],
    ["bob", "regional", { region: "eu" }, false, "nothing is in an empty list"],
    ["carol", "regional", { region: "eu" }, false, "who has no such attribute is allowed nothing"],
    ["alice", "shielded", { level: "low" }, true, "a denial that does not hold"],
    ["alice", "shielded", { level: "high" }, false, "a denial that holds"],
    ["alice", "shielded", {}, false, "what the event does not say denies"],
    ["carol", "shielded", { level: "low" }, false, "who has no such attribute is denied"],
    ["alice", "wary", { level: "low" }, true, "a negated denial that does not hold"],
    ["alice", "wary", {}, false, "what the event does not say denies, negated or not"],
    ["bob", "wary", { level: "low" }, false, "a list where one value is asked for is none"],
    ["alice", "tagged", {}, true, "a condition on the subject alone"],
    ["carol", "tagged", {}, false, "which has no such attribute"],
    ["carol", "owners", { owner: "carol" }, true, "a subject's name is its id"],
    ["carol", "owners", { owner: "alice" }, false, "and no other's"],
    ["alice", "built", {}, false, "what every object has is nothing that an event says"],
    ["alice", "built", { constructor: "y" }, true, "unless it says so"],
  ])("for %s as %s on %j: %s (%s)", (id, role, attributes, allowed, _why) => {
    const event = { topic: "order.created", attributes };
    const permission = ["tagged", "owners", "built"].includes(role) ? "note:read" : "order:read";
    expect(decide(snapshot, grantOf(id, role), permission, event)).toBe(allowed);
  });

  it.each([
    ["alice", "tagged", "note:read", true, "which the subject meets"],
    ["carol", "tagged", "note:read", false, "which it does not meet"],
    ["alice", "regional", "order:read", false, "which some events do not meet"],
    ["alice", "shielded", "order:read", false, "which some events may meet"],
  ])("without an event, for %s as %s: %s %s (%s)", (id, role, permission, allowed, _why) => {
    expect(decide(snapshot, grantOf(id, role), permission)).toBe(allowed);
  });

  it("is left with the subject's values filled in, and not at all where these decide it", () => {
    expect(residualOf(snapshot, grantOf("alice", "regional"), "order:read")).toEqual({
      allow: [],
      deny: [],
      allowWhen: [{ pattern: "order.*", when: { kind: "oneOf", attribute: "region", values: ["eu", "us"] } }],
      denyWhen: [],
    });
    expect(residualOf(snapshot, grantOf("alice", "wary"), "order:read").denyWhen).toEqual([
      { pattern: ">", when: { kind: "noneOf", attribute: "level", values: ["low"] } },
    ]);
    expect(residualOf(snapshot, grantOf("alice", "tagged"), "note:read").allow).toEqual([">"]);
    expect(residualOf(snapshot, grantOf("carol", "regional"), "order:read").allowWhen).toEqual([]);
    expect(residualOf(snapshot, grantOf("carol", "shielded"), "order:read").allow).toEqual([]);
  });
});

describe("an attribute in a topic", () => {
  it.each([
    ["alice", "teams", ["ticket.*.blue"]],
    ["bob", "teams", ["ticket.*.blue", "ticket.*.red"]],
    ["carol", "teams", []],
    ["dave", "teams", ["ticket.*.a%20name"]],
    ["erin", "teams", []],
    ["alice", "outsiders", ["ticket.*.blue"]],
    ["carol", "outsiders", ["ticket.*.*"]],
    ["dave", "outsiders", ["ticket.*.a%20name"]],
    ["erin", "outsiders", ["ticket.*.*"]],
  ])("for %s as %s stands for each value: %j", (id, role, patterns) => {
    const { allow, deny } = residualOf(snapshot, grantOf(id, role), "ticket:read");
    expect(role === "teams" ? allow : deny).toEqual(patterns);
  });

  it("that would make more than 64 patterns is as good as absent", () => {
    const list = (count: number) => Array.from({ length: count }, (_, index) => `v${index}`);
    const text = JSON.stringify({
      tenant: "acme",
      roles: { two: { allow: ["a:b@{x}.{y}.{sub}"] }, none: { allow: ["a:b"], deny: ["a:b@{x}.{y}.{sub}"] } },
      attributes: { fits: { x: list(8), y: list(8) }, over: { x: list(13), y: list(5) } },
    });
    const wide = compileSnapshot({ number: 1, build: "b" }, parseDocument(text, "acme").document!, new Map());
    const residualFor = (id: string, role: string) =>
      residualOf(wide, decodeGrant(wide, resolveSubject(wide, { id, roles: [role], groups: [] }, 0).id), "a:b");
    expect(residualFor("fits", "two").allow).toHaveLength(64);
    expect(residualFor("over", "two").allow).toEqual([]);
    expect(residualFor("over", "none").deny).toEqual(["*.*.over"]);
  });
});

describe("a grant", () => {
  it("carries the attributes that its roles look at, and no others, in one order", () => {
    expect(faults).toBeUndefined();
    expect(attributesIn(idOf("alice", ["regional", "teams"]))).toEqual([
      ["regions", ["eu", "us"]],
      ["team", ["blue"]],
    ]);
    expect(idOf("alice", ["owners"])).toBe("owners@alice");
    expect(idOf("carol", ["regional"])).toBe("regional@");
  });

  it("takes the groups' values together, and the subject's own instead of them", () => {
    expect(attributesIn(idOf("zoe", ["regional", "teams"], ["far", "ops", "far"]))).toEqual([
      ["regions", ["africa", "asia"]],
      ["team", ["blue", "green"]],
    ]);
    expect(attributesIn(idOf("bob", ["regional", "teams"], ["far", "ops"]))).toEqual([
      ["regions", []],
      ["team", ["blue", "red"]],
    ]);
  });

  it.each([
    "regional@@",
    "regional@@*",
    "regional@@W10@",
    `regional@@${Buffer.from('{"regions":["eu"]}').toString("base64url")}`,
    `regional@@${Buffer.from('[["regions",[1]]]').toString("base64url")}`,
    `regional@@${Buffer.from(JSON.stringify([["regions", ["x".repeat(3_100)]]])).toString("base64url")}`,
  ])("is not %j", (id) => {
    expect(() => decodeGrant(snapshot, id)).toThrow("not the id of a grant");
  });
});
