import { describe, expect, test } from "vitest";
import { parseScope } from "#shared/protocol/scope.ts";
import { parseDocument } from "../document/parse-document.ts";
import { lintDocument } from "../document/lint-document.ts";
import { affectedBy } from "./affected.ts";
import { considerRules } from "./consider-rules.ts";
import { decideQuestion } from "./decide-question.ts";
import { EVERY_EVENT } from "./fill-rule.ts";
import { maskOf } from "./mask-of.ts";
import { decodeGrant } from "./grant.ts";
import { residualOf } from "./residual.ts";
import { resolveSubject } from "./resolve-subject.ts";
import { compileSnapshot } from "./snapshot.ts";

const ROLES = {
  whole: { allow: ["order:read"] },
  some: { allow: ["order:read@order.shipped.>"] },
  clerk: { allow: [{ rule: "order:read", mask: ["customer.email", "card", "card"] }] },
  guest: { allow: [{ rule: "order:read@order.*.{sub}", mask: ["customer"], when: "event.region == 'eu'" }] },
  strict: { deny: ["order:read@order.deleted.>"] },
};
const EVENT = { of: "event", topic: "order.created.1", attributes: {} } as const;

const snapshot = snapshotOf(ROLES);

describe("a rule with a mask", () => {
  test("is left to the edge with its fields, once and sorted", () => {
    expect(left(["clerk"])).toEqual({
      ...NOTHING,
      masked: [{ mask: ["card", "customer.email"], allow: [">"], allowWhen: [] }],
    });
  });

  test("counts for nothing beside one that shows the whole", () => {
    expect(left(["clerk", "whole"])).toEqual({ ...NOTHING, allow: [">"] });
    expect(left(["clerk", "some"])).toEqual({
      ...NOTHING,
      allow: ["order.shipped.>"],
      masked: [{ mask: ["card", "customer.email"], allow: [">"], allowWhen: [] }],
    });
  });

  test("is limited by topics, conditions, denials and the token's scope like any other", () => {
    const when = { kind: "oneOf", attribute: "region", values: ["eu"] };
    expect(left(["guest", "strict"])).toEqual({
      ...NOTHING,
      deny: ["order.deleted.>"],
      masked: [{ mask: ["customer"], allow: [], allowWhen: [{ pattern: "order.*.alice", when }] }],
    });
    expect(left(["clerk"], "order:read@order.*.7").masked?.[0]).toMatchObject({ allow: ["order.*.7"] });
    expect(left(["clerk"], "ticket:read")).toEqual(NOTHING);
  });

  test("takes from an event what all rules hide that let it through, of a field and one within it the inner one", () => {
    const hidden = (roles: string[], topic = "order.created.1") =>
      maskOf(snapshot, { id: "alice", roles, groups: [] }, { topic, attributes: { region: "eu" } }, 0);
    expect(hidden(["clerk"])).toEqual(["card", "customer.email"]);
    expect(hidden(["clerk", "guest"], "order.created.alice")).toEqual(["customer.email"]);
    expect(hidden(["clerk", "some"])).toEqual(["card", "customer.email"]);
    expect(hidden(["clerk", "some"], "order.shipped.1")).toEqual([]);
    expect(hidden(["clerk", "whole"])).toEqual([]);
    expect(maskOf(snapshot, { id: "a", roles: ["clerk"], groups: [] }, { topic: "x.y", attributes: {} }, 0)).toEqual(
      [],
    );
  });

  test("lets events through, and neither a request nor the permission as such: those who ask show everything", () => {
    const subject = { id: "alice", roles: ["clerk"], groups: [] };
    expect(decideQuestion(snapshot, subject, EVENT, 0)).toBe(true);
    expect(decideQuestion(snapshot, subject, { of: "permission", permission: "order:read" }, 0)).toBe(false);
    expect(decideQuestion(snapshot, subject, { of: "request", method: "GET", path: "/orders/1" }, 0)).toBe(false);
    const whole = { ...subject, roles: ["clerk", "whole"] };
    expect(decideQuestion(snapshot, whole, { of: "request", method: "GET", path: "/orders/1" }, 0)).toBe(true);
  });

  test("is explained with its fields", () => {
    const [rule] = considerRules(snapshot, grantOf(["clerk"]), "order:read", EVERY_EVENT).considered;
    expect(rule).toMatchObject({
      rule: "order:read without card, customer.email",
      holds: false,
      because: "it shows a part of events, and the whole is asked about",
    });
  });
});

test("a change of a mask concerns those who have the role, and no others", () => {
  const changed = { ...ROLES, clerk: { allow: [{ rule: "order:read", mask: ["card"] }] } };
  expect(affectedBy(snapshotOf(ROLES), snapshotOf(changed))).toEqual({ roles: ["clerk"], subjects: [] });
});

test("a rule is covered by one that hides no more, and by no other", () => {
  const masks = (...lists: string[][]) => ({
    r: { allow: lists.map((mask) => (mask.length === 0 ? "order:read" : { rule: "order:read", mask })) },
  });
  const covered = (roles: object) =>
    lintDocument(documentOf(roles), 0).flatMap(({ message }) => (message.includes("covered by") ? [message] : []));
  expect(covered(masks(["a"], ["b"]))).toEqual([]);
  expect(covered(masks(["a", "b"], ["a"]))).toEqual(["order:read without a, b is covered by order:read without a"]);
  expect(covered(masks([], ["a"]))).toEqual(["order:read without a is covered by order:read"]);
});

describe("a document is refused", () => {
  test.each([
    [
      "for a mask on a rule that denies",
      { deny: [{ rule: "order:read", when: "event.a == 'b'", mask: ["a"] }] },
      "mask",
    ],
    ["for a mask without fields", { allow: [{ rule: "order:read", mask: [] }] }, ">=1"],
    ["for more than 16 fields", { allow: [{ rule: "order:read", mask: fields(17) }] }, "<=16"],
    [
      "for a path with an empty name",
      { allow: [{ rule: "order:read", mask: ["a..b"] }] },
      "must be the path of a field",
    ],
    ["for a path with 9 names", { allow: [{ rule: "order:read", mask: ["a.a.a.a.a.a.a.a.a"] }] }, "up to 8 names"],
    ["for a name that is not encoded", { allow: [{ rule: "order:read", mask: ["lines[0]"] }] }, "%XX"],
  ])("%s", (_why, role, fault) => {
    const { faults } = parseDocument(JSON.stringify({ tenant: "acme", roles: { role } }), "acme");
    expect(JSON.stringify(faults)).toContain(fault);
  });

  test("for more than 32 rules with a mask", () => {
    const roles = (count: number) => ({
      r: { allow: fields(count).map((mask) => ({ rule: "order:read", mask: [mask] })) },
    });
    expect(() => documentOf(roles(32))).not.toThrow();
    expect(() => documentOf(roles(33))).toThrow("at most 32 rules with a mask in all");
  });
});

const NOTHING = { allow: [], deny: [], allowWhen: [], denyWhen: [] };

function fields(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `f${index}`);
}

function documentOf(roles: object) {
  const rest = {
    events: { "order.*": "order:read" },
    routes: [{ method: "GET", path: "/orders/{id}", permission: "order:read", topics: ["order.*.{id}"] }],
  };
  const { document, faults } = parseDocument(JSON.stringify({ tenant: "acme", roles, ...rest }), "acme");
  if (document === undefined) throw new Error(JSON.stringify(faults));
  return document;
}

function snapshotOf(roles: object) {
  return compileSnapshot({ number: 1, build: "b" }, documentOf(roles), new Map());
}

function grantOf(roles: readonly string[], scope?: string) {
  const read = scope === undefined ? undefined : parseScope(scope);
  return decodeGrant(snapshot, resolveSubject(snapshot, { id: "alice", roles, groups: [], scope: read }, 0).id);
}

function left(roles: readonly string[], scope?: string) {
  return residualOf(snapshot, grantOf(roles, scope), "order:read");
}
