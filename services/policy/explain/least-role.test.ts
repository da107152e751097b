import { expect, test } from "vitest";
import { compileSnapshot } from "../decide/snapshot.ts";
import { parseDocument } from "../document/parse-document.ts";
import { leastRole } from "./least-role.ts";

const { document } = parseDocument(
  JSON.stringify({
    tenant: "acme",
    roles: {
      all: { allow: ["*:*"] },
      admin: { allow: ["order:read", "policy:admin"] },
      reader: { allow: ["order:read", "order:list"] },
      heir: { inherits: ["reader"] },
      both: { inherits: ["reader"], allow: ["stock:read"] },
      many: { allow: ["order:read", "order:list", "order:count", "order:sum"] },
    },
    events: { "order.*": "order:read", "stock.*": "stock:read" },
  }),
  "acme",
);
const snapshot = compileSnapshot({ number: 1, build: "b" }, document!, new Map());

test.each([
  [["all", "many"], "many"],
  [["admin", "both"], "both"],
  [["both", "heir"], "heir"],
  [["many", "reader"], "reader"],
  [["all"], "all"],
  [[], undefined],
])("of %j the one that gives the least is %s", async (roles, least) => {
  expect(await leastRole(snapshot, roles)).toBe(least);
});
