import { expect, test } from "vitest";
import { parseDocument } from "../document/parse-document.ts";
import { roleSources } from "./role-sources.ts";
import { compileSnapshot } from "./snapshot.ts";

test("a role says by which 4 of its heirs a subject has it, and that there are more", () => {
  const heirs = Array.from({ length: 19 }, (_, index) => `heir ${index}`);
  const roles = Object.fromEntries(heirs.map((name) => [name, { inherits: ["base"] }]));
  const { document } = parseDocument(JSON.stringify({ tenant: "acme", roles: { base: {}, ...roles } }), "acme");
  const snapshot = compileSnapshot({ number: 1, build: "b" }, document!, new Map());
  const sources = (held: string[]) => roleSources(snapshot, { id: "alice", roles: held, groups: [] }, 0).get("base");
  const named = heirs.slice(0, 4).map((name) => `inherited by ${name}`);
  expect(sources(heirs.slice(0, 4))).toEqual(named);
  expect(sources(["base", "unknown", ...heirs])).toEqual(["token", ...named, "inherited by more roles"]);
});
