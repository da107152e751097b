import { describe, expect, it } from "vitest";
import { lintDocument } from "./lint-document.ts";
import { parseDocument } from "./parse-document.ts";

/** The warnings about permissions and names, without those about what is not bound. */
function warningsOf(document: object): string[] {
  const { document: parsed, faults } = parseDocument(JSON.stringify({ tenant: "acme", ...document }), "acme");
  if (parsed === undefined) throw new Error(JSON.stringify(faults));
  return lintDocument(parsed, 0).map(
    ({ path, key, message }) => `${[...path, ...(key === undefined ? [] : [key])].join("/")}: ${message}`,
  );
}

const withRules = (allow: unknown[], more: object = {}) => ({
  roles: { viewer: { allow } },
  bindings: [{ role: "viewer", subjects: ["group:staff"] }],
  events: { "order.*": "order:read" },
  ...more,
});

describe("lint of permissions", () => {
  it("finds rules that no event type and no route asks for, with the one that was meant", () => {
    expect(warningsOf(withRules(["order:read", "order:raed", "stock:move"]))).toEqual([
      "roles/viewer/allow/1: no event type and no route asks for order:raed; is order:read meant?",
      "roles/viewer/allow/2: no event type and no route asks for stock:move",
    ]);
  });

  it("takes what is published, what routes need and what policy itself asks for as asked", () => {
    const routes = [{ method: "GET", path: "/stock", permission: "stock:list" }];
    const asked = ["order:read", "order:publish", "stock:*", "*:list", "policy:admin", "event:erase", "event:inspect"];
    expect(warningsOf(withRules(asked, { routes }))).toEqual([]);
    const explicit = { events: { "order.*": { read: "order:read", publish: "order:write" } } };
    expect(warningsOf(withRules(["order:read", "order:write"], explicit))).toEqual([]);
    expect(warningsOf(withRules(["order:read", "order:publish"], explicit))).toHaveLength(1);
    expect(warningsOf(withRules(["a:read", "b:publish"], { events: { ">": "a:read" } }))).toEqual([]);
  });

  it("says nothing of a document that is asked by name only, or is only begun", () => {
    expect(warningsOf(withRules(["stock:move"], { events: {} }))).toEqual([]);
    expect(warningsOf({ events: { "order.*": "order:read" } })).toEqual([]);
  });

  it("finds event types that no rule lets anybody see", () => {
    expect(warningsOf(withRules(["order:read"], { events: { "order.*": "order:red" } }))).toEqual([
      "roles/viewer/allow/0: no event type and no route asks for order:read; is order:red meant?",
      "events/order.*: no role allows order:red, so that nobody sees these events; is order:read meant?",
    ]);
    expect(warningsOf(withRules(["order:*"]))).toEqual([]);
  });
});

describe("lint of names", () => {
  const cases = (subject: object) => ({
    tests: [{ subject: "x", ...subject, topic: "order.created", expect: "deny" }],
  });

  it("finds roles and groups that are nearly one that the document knows", () => {
    const rules = ["order:read"];
    expect(warningsOf(withRules(rules, cases({ roles: ["veiwer"], groups: ["stafff"] })))).toEqual([
      "tests/0: there is no role veiwer; is viewer meant?",
      "tests/0: nothing is bound to the group stafff; is staff meant?",
    ]);
    const attributes = { "group:stuff": { region: ["eu"] } };
    expect(warningsOf(withRules(["order:read", "order:publish@order.*.{region}"], { attributes }))).toEqual([
      "attributes/group:stuff: nothing is bound to this group; is staff meant?",
    ]);
  });

  it("leaves names alone that are far, short, or another number", () => {
    const bindings = [{ role: "viewer", subjects: ["group:team1", "group:eu"] }];
    const known = withRules(["order:read"], { bindings });
    expect(warningsOf({ ...known, ...cases({ roles: ["manager"], groups: ["team2", "us"] }) })).toEqual([]);
  });
});
