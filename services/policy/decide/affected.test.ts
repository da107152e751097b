import { describe, expect, it } from "vitest";
import { parseDocument } from "../document/parse-document.ts";
import { affectedBy } from "./affected.ts";
import { compileSnapshot, type WholeSnapshot } from "./snapshot.ts";
import type { HttpBindings } from "./subject-roles.ts";

const BASE = {
  tenant: "acme",
  roles: {
    viewer: { allow: ["order:read", "invoice:read"] },
    support: { inherits: ["viewer"], allow: ["ticket:*"] },
    other: { allow: ["x:y"] },
  } as Record<string, object>,
  bindings: [{ role: "viewer", subjects: ["alice", "group:ops"] }],
  events: { "order.*": "order:read", "a.*": "a:b" } as Record<string, string>,
  routes: [] as object[],
};

function snapshotOf(change: Partial<typeof BASE> = {}, http: HttpBindings = new Map()): WholeSnapshot {
  const { document } = parseDocument(JSON.stringify({ ...BASE, ...change }), "acme");
  return compileSnapshot({ number: 1, build: "b" }, document!, http);
}

const base = snapshotOf();
const withRole = (name: string, role: object | undefined) => {
  const { [name]: _, ...others } = BASE.roles;
  return { roles: role === undefined ? others : { ...others, [name]: role } };
};

describe("whom a change concerns", () => {
  it.each([
    [
      "a rule more: the role and all that inherit it",
      withRole("viewer", { allow: ["order:read"] }),
      ["support", "viewer"],
      [],
    ],
    ["a rule of the heir: only the heir", withRole("support", { inherits: ["viewer"] }), ["support"], []],
    ["another order of rules and roles: nobody", withRole("viewer", { allow: ["invoice:read", "order:read"] }), [], []],
    [
      "a rule moved into the heir, which it had before: the role it left",
      {
        ...withRole("viewer", { allow: ["order:read"] }),
        roles: {
          ...BASE.roles,
          viewer: { allow: ["order:read"] },
          support: { inherits: ["viewer"], allow: ["invoice:read", "ticket:*"] },
        },
      },
      ["viewer"],
      [],
    ],
    ["no inheritance any more", withRole("support", { allow: ["ticket:*"] }), ["support"], []],
    ["a role that is gone", withRole("other", undefined), ["other"], []],
    [
      "a subject more and one less",
      { bindings: [{ role: "viewer", subjects: ["bob", "group:ops"] }] },
      [],
      ["alice", "bob"],
    ],
    [
      "a group in another role",
      {
        bindings: [
          { role: "viewer", subjects: ["alice"] },
          { role: "other", subjects: ["group:ops"] },
        ],
      },
      [],
      ["group:ops"],
    ],
  ])("%s", (_, change, roles, subjects) => {
    expect(affectedBy(base, snapshotOf(change))).toEqual({ roles, subjects });
  });

  it("is the subject whose roles were set, or given back to the document", () => {
    const set = snapshotOf(
      {},
      new Map([
        ["alice", ["other"]],
        ["zoe", []],
      ]),
    );
    expect(affectedBy(base, set)).toEqual({ roles: [], subjects: ["alice"] });
    expect(affectedBy(set, base)).toEqual({ roles: [], subjects: ["alice"] });
  });

  it("is a subject whose roles were set to one that is named like a binding is noted", () => {
    const roles = { ...BASE.roles, '["viewer","Infinity"]': { deny: ["*:*"] } };
    const before = snapshotOf({ roles });
    const set = snapshotOf({ roles }, new Map([["alice", ['["viewer","Infinity"]']]]));
    expect(affectedBy(before, set)).toEqual({ roles: [], subjects: ["alice"] });
  });

  it.each([
    ["the first version", undefined, {}],
    ["another event map", base, { events: { "order.*": "order:write", "a.*": "a:b" } }],
    ["the event map in another order", base, { events: { "a.*": "a:b", "order.*": "order:read" } }],
    ["another route", base, { routes: [{ method: "GET", path: "/", permission: "a:b" }] }],
    ["a new role, which tokens may have named all along", base, withRole("fresh", { deny: ["*:*"] })],
    [
      "more names than an entry should carry",
      base,
      { bindings: [{ role: "viewer", subjects: Array.from({ length: 1_001 }, (_, subject) => `s${subject}`) }] },
    ],
  ])("is everyone at %s", (_, before, change) => {
    expect(affectedBy(before, snapshotOf(change))).toEqual({ all: true });
  });
});
