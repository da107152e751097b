import { describe, expect, it } from "vitest";
import { parseDocument } from "../document/parse-document.ts";
import { considerRules, winnerOf } from "./consider-rules.ts";
import { decide } from "./decide.ts";
import { EVERY_EVENT } from "./fill-rule.ts";
import { decodeGrant, encodeGrant } from "./grant.ts";
import type { DecidedEvent } from "./fill-rule.ts";
import { residualOf } from "./residual.ts";
import { resolveSubject } from "./resolve-subject.ts";
import { compileSnapshot, type Snapshot } from "./snapshot.ts";
import type { HttpBindings } from "./subject-roles.ts";

const ROLES = `
  viewer: { allow: ["order:read", "invoice:read"] }
  support: { inherits: [viewer], allow: ["ticket:*"], deny: ["ticket:delete"] }
  owner: { allow: ["order:read@order.*.{sub}"] }
  shy: { allow: ["order:read"], deny: ["order:read@order.*.{sub}"] }
  regional: { allow: ["order:read@order.*.eu", "order:read@order.>"], deny: ["order:read@order.deleted.>"] }
  ours: { allow: ["note:read@{tenant}.*"] }
  root: { allow: ["*:*"] }
  banned: { deny: ["*:*"] }
  blind: { deny: ["order:read@>"] }`;

function snapshotOf(roles: string, rest = "", http: HttpBindings = new Map()): Snapshot {
  const { document, faults } = parseDocument(`tenant: acme\nroles:${roles}\n${rest}`, "acme");
  if (document === undefined) throw new Error(JSON.stringify(faults));
  return compileSnapshot({ number: 1, build: "b" }, document, http);
}

const PLAIN = { allowWhen: [], denyWhen: [] };

const snapshot = snapshotOf(ROLES);
const eventOn = (topic: string): DecidedEvent => ({ topic, attributes: {} });
const grantOf = (roles: string[], sub: string) => decodeGrant(snapshot, encodeGrant(snapshot, roles, sub));

describe("a decision", () => {
  it.each([
    [[], "order:read", "order.created.1", false, "silence denies"],
    [["viewer"], "order:read", "order.created.1", true, "a rule allows"],
    [["viewer"], "order:write", "order.created.1", false, "another action is not meant"],
    [["viewer"], "order:read:secret", "order.created.1", false, "a deeper action is not meant"],
    [["support"], "invoice:read", "invoice.paid", true, "an inherited rule allows"],
    [["support"], "ticket:open", "ticket.opened", true, "a wildcard takes in every action"],
    [["support"], "ticket:open:again", "ticket.opened", true, "a last wildcard takes in deeper actions"],
    [["support"], "ticket:delete", "ticket.deleted", false, "deny beats allow in one role"],
    [["support", "root"], "ticket:delete", "ticket.deleted", false, "deny beats allow of another role"],
    [["root", "banned"], "any:thing", "any.thing", false, "a denial of everything leaves nothing"],
    [["root", "blind"], "order:read", "order.created", false, "a denial on every topic is a denial"],
    [["owner"], "order:read", "order.created.alice", true, "a topic with the subject's name is the subject's"],
    [["owner"], "order:read", "order.created.bob", false, "a topic with another's name is not"],
    [["shy"], "order:read", "order.created.alice", false, "a denial may look at the subject too"],
    [["shy"], "order:read", "order.created.bob", true, "and leaves other topics alone"],
    [["ours"], "note:read", "acme.added", true, "the tenant is filled in"],
    [["ours"], "note:read", "rival.added", false, "and no other tenant"],
    [["ghost"], "order:read", "order.created", false, "a role that is not defined gives nothing"],
    [["viewer"], "order:read", undefined, true, "without a topic: on every topic"],
    [["owner"], "order:read", undefined, false, "without a topic, some topics are not enough"],
    [["shy"], "order:read", undefined, false, "without a topic, a denial of some topics is one"],
  ])("of %j on %s, %s: %s (%s)", (roles, permission, topic, allowed, _why) => {
    const event = topic === undefined ? undefined : eventOn(topic);
    expect(decide(snapshot, grantOf(roles, "alice"), permission, event)).toBe(allowed);
    const rule = winnerOf(
      considerRules(snapshot, grantOf(roles, "alice"), permission, event ?? EVERY_EVENT).considered,
    );
    expect(rule?.effect === "allow").toBe(allowed);
  });

  it.each([
    [["viewer"], "order:read", { allow: [">"], deny: [] }],
    [[], "order:read", { allow: [], deny: [] }],
    [["support"], "ticket:delete", { allow: [], deny: [] }],
    [["owner"], "order:read", { allow: ["order.*.alice"], deny: [] }],
    [["owner", "viewer"], "order:read", { allow: [">"], deny: [] }],
    [["shy"], "order:read", { allow: [">"], deny: ["order.*.alice"] }],
    [["regional"], "order:read", { allow: ["order.>"], deny: ["order.deleted.>"] }],
    [["owner", "regional"], "order:read", { allow: ["order.>"], deny: ["order.deleted.>"] }],
    [["shy", "ours"], "note:read", { allow: ["acme.*"], deny: [] }],
    [["owner", "shy", "banned"], "order:read", { allow: [], deny: [] }],
  ])("of %j on %s is left as %j", (roles, permission, residual) => {
    expect(residualOf(snapshot, grantOf(roles, "alice"), permission)).toEqual({ ...PLAIN, ...residual });
  });

  it("without a name to fill in drops what is allowed and keeps what is denied", () => {
    expect(residualOf(snapshot, decodeGrant(snapshot, "owner@"), "order:read")).toEqual({
      ...PLAIN,
      allow: [],
      deny: [],
    });
    const shy = decodeGrant(snapshot, "shy@");
    expect(residualOf(snapshot, shy, "order:read")).toEqual({ ...PLAIN, allow: [">"], deny: ["order.*.*"] });
    expect(decide(snapshot, shy, "order:read", eventOn("order.created.bob"))).toBe(false);
    expect(decide(snapshot, shy, "order:read", eventOn("order.created"))).toBe(true);
  });

  it("is left as it stands where shortening would cost too much, and decides the same", () => {
    const allow = Array.from({ length: 40 }, (_, topic) => `"order:read@order.t${topic}"`);
    const long = snapshotOf(
      `\n  many: { allow: ["order:read@order.*", ${allow.join()}], deny: ["order:read@order.t7"] }`,
    );
    const many = decodeGrant(long, "many@");
    expect(residualOf(long, many, "order:read").allow).toHaveLength(41);
    expect(residualOf(long, many, "order:read").deny).toEqual(["order.t7"]);
    expect(decide(long, many, "order:read", eventOn("order.t7"))).toBe(false);
  });

  it("keeps roles apart beyond one word of bits", () => {
    const many = Array.from({ length: 200 }, (_, role) => `\n  r${role}: { allow: ["p${role}:read"] }`).join("");
    const wide = snapshotOf(many);
    const grant = decodeGrant(wide, encodeGrant(wide, ["r0", "r31", "r32", "r199"], "alice"));
    const allowed = Array.from({ length: 200 }, (_, role) => role).filter((role) =>
      decide(wide, grant, `p${role}:read`),
    );
    expect(allowed).toEqual([0, 31, 32, 199]);
  });
});

describe("a grant", () => {
  it("is its roles, in one order, and the subject only where a rule looks at it", () => {
    expect(encodeGrant(snapshot, ["viewer", "support", "viewer"], "alice")).toBe("support,viewer@");
    expect(encodeGrant(snapshot, ["viewer", "owner"], "alice")).toBe("owner,viewer@alice");
    expect(encodeGrant(snapshot, [], "alice")).toBe("@");
  });

  it("carries the subject also for an inherited rule", () => {
    const heir = snapshotOf(`${ROLES}\n  heir: { inherits: [owner] }`);
    expect(encodeGrant(heir, ["heir"], "alice")).toBe("heir@alice");
  });

  it("writes names as tokens, so that no name is taken for two", () => {
    expect(encodeGrant(snapshot, ["owner"], "a.>")).toBe("owner@a%2E%3E");
    const odd = snapshotOf(' { "a,b": {}, "c@d": {}, a: {} }');
    expect(encodeGrant(odd, ["a,b", "a"], "x")).toBe("a,a%2Cb@");
    expect(encodeGrant(odd, ["c@d"], "x")).toBe("c%40d@");
  });

  it("fills in nothing for a subject that is not a free name", () => {
    expect(encodeGrant(snapshot, ["owner"], "a\nb")).toBe("owner@");
    expect(encodeGrant(snapshot, ["owner"], "a".repeat(257))).toBe("owner@");
  });

  it.each([
    "",
    "owner",
    "owner@a@b",
    "owner@*",
    "owner@a.b",
    "owner@%61",
    "owner@%2e",
    "owner@%0A",
    "owner@%E9",
    "own er@",
    "owner,,viewer@",
    "*@",
    "owner@a\0",
    `owner@${"a".repeat(257)}`,
  ])("is not %j", (id) => {
    expect(() => decodeGrant(snapshot, id)).toThrow("not the id of a grant");
  });
});

describe("resolving a subject", () => {
  const bindings = `bindings:
  - { role: viewer, subjects: [alice, "group:ops"] }
  - { role: support, subjects: [alice] }
  - { role: owner, subjects: [bob, constructor] }`;
  const bound = snapshotOf(
    ROLES,
    bindings,
    new Map([
      ["carol", ["root"]],
      ["bob", []],
    ]),
  );
  const resolve = (id: string, roles: string[] = [], groups: string[] = []) =>
    resolveSubject(bound, { id, roles, groups }, 0);

  it("gives the roles of the document, and what they inherit as its concern", () => {
    expect(resolve("alice")).toEqual({ id: "support,viewer@", roles: ["viewer", "support"], remainingMs: undefined });
  });

  it("lets what was set over HTTP replace the document's bindings, also by nothing", () => {
    expect(resolve("carol").id).toBe("root@");
    expect(resolve("bob").id).toBe("@");
  });

  it("adds the roles of groups and of the token, those that are defined", () => {
    expect(resolve("dave", ["owner", "ghost"], ["ops", "nobody"]).id).toBe("owner,viewer@dave");
    expect(resolve("bob", ["support"], ["ops"]).id).toBe("support,viewer@");
  });

  it("takes no subject for a group, nor for what every object has", () => {
    expect(resolve("group:ops").id).toBe("@");
    expect(resolve("toString").id).toBe("@");
    expect(resolve("constructor").id).toBe("owner@constructor");
  });
});
