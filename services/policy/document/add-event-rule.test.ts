import { expect, test } from "vitest";
import { addEventRule } from "./add-event-rule.ts";
import { parseDocument } from "./parse-document.ts";

const add = (text: string) => addEventRule(text, "stock.moved", "stock:read");

test.each([
  ["a block", "tenant: acme\nevents:\n  # orders\n  order.*: order:read # all\nroles: {}\n"],
  ["a flow", 'tenant: acme\nevents: { "order.*": order:read } # all\n'],
  ["an empty flow", "tenant: acme\nevents: {}\n"],
  ["JSON", '{"tenant":"acme","events":{"order.*":"order:read"}}'],
  ["no rules yet", "tenant: acme # without an end"],
])("a rule is put before the others of %s, and all else stays", (_how, text) => {
  const changed = add(text) ?? "";
  const { document, faults } = parseDocument(changed, "acme");
  expect(faults).toBeUndefined();
  expect(document?.events[0]).toEqual({ pattern: "stock.moved", permission: "stock:read" });
  const kept = text.split(/[\s{},]+/);
  expect(kept.filter((word) => !changed.includes(word))).toEqual([]);
});

test.each(["{", "- a", "events: *x", "events: a", '{"tenant":"acme"}'])("a text such as %s is left alone", (text) => {
  expect(add(text)).toBeUndefined();
});

test("a text of 64 kB is changed, and a longer one is not", () => {
  const text = (characters: number) => `tenant: acme\n${"#".repeat(characters - 13)}`;
  expect(add(text(64 * 1024))).toBeDefined();
  expect(add(text(64 * 1024 + 1))).toBeUndefined();
});
