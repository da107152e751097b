import { expect, it } from "vitest";
import { compileDocument } from "../decide/compile-document.ts";
import { parseDocument } from "../document/parse-document.ts";
import { runNow } from "../work/turns.ts";
import { decodeParts, encodeParts } from "./compiled-parts.ts";

function compiledOf(document: object) {
  const parsed = parseDocument(JSON.stringify({ tenant: "acme", ...document }), "acme");
  if (parsed.document === undefined) throw new Error(JSON.stringify(parsed.faults));
  return compileDocument(parsed.document);
}

const LARGE = {
  roles: Object.fromEntries(
    Array.from({ length: 600 }, (_, role) => [
      `r${role}`,
      {
        inherits: role === 0 ? [] : [`r${role - 1}`],
        allow: Array.from({ length: 8 }, (__, rule) => `a${role}:b${rule}`),
        deny: role === 7 ? [{ rule: "a:b@x.{team}", when: "event.region == subject.region" }, "a:c@y.{tenant}"] : [],
      },
    ]),
  ),
  bindings: [
    { role: "r1", subjects: Array.from({ length: 9_000 }, (_, index) => `s${index}`) },
    ...Array.from({ length: 1_200 }, (_, minute) => ({
      role: "r2",
      subjects: [`t${minute}`, "group:g"],
      until: new Date((minute + 1) * 60_000).toISOString(),
    })),
  ],
  attributes: Object.fromEntries(
    Array.from({ length: 3_000 }, (_, index) => [`s${index}`, { team: ["a", `${index}`] }]),
  ),
  trust: [{ issuer: "https://login.test", roles: true, attributes: ["team"] }],
  events: { "order.*": "order:read" },
  routes: [{ method: "GET", path: "/orders/{id?}", permission: "order:read", topics: ["order.*.{id}"] }],
};

it.each([
  ["the smallest document", {}, 1],
  ["a large one", LARGE, 12],
])("%s is the same after it was handed over", (_, document, atLeast) => {
  const compiled = compiledOf(document);
  const parts = encodeParts(compiled);
  expect(parts.length).toBeGreaterThanOrEqual(atLeast);
  expect(runNow(decodeParts(parts.map((part) => structuredClone(part))))).toEqual(compiled);
});

it("no part is more than a fraction of a large document", () => {
  const parts = encodeParts(compiledOf(LARGE));
  const all = parts.reduce((sum, part) => sum + part.length, 0);
  expect(Math.max(...parts.map(({ length }) => length))).toBeLessThan(all / 2);
});
