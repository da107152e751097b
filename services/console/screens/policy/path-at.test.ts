import { expect, test } from "vitest";
import { pathAt } from "./path-at.ts";

const ABOVE = `tenant: demo
# people
roles:
  viewer:
    allow: ["order:read"]
bindings:
  - { role: viewer, subjects: ["alice"] }
`;

test.each([
  ["", [], false, ""],
  ["ev", [], false, "ev"],
  ["roles:\n  ", ["roles"], false, ""],
  ["roles:\n  admin: { al", ["roles", "admin"], false, "al"],
  ["roles:\n  admin: { inherits: [vie", ["roles", "admin", "inherits", "-"], false, "vie"],
  ["roles:\n  admin: { inherits: [a, vie", ["roles", "admin", "inherits", "-"], false, "vie"],
  ["roles:\n  admin: { inherits: [a], al", ["roles", "admin"], false, "al"],
  ["roles:\n  admin:\n    allow:\n      - order:re", ["roles", "admin", "allow", "-"], false, "order:re"],
  ["bindings:\n  - { role: vi", ["bindings", "-", "role"], true, "vi"],
  ["bindings:\n  - role: viewer\n    sub", ["bindings", "-"], false, "sub"],
  ['events:\n  "order.*": order', ["events", "order.*"], true, "order"],
] as const)("behind %j the cursor is at %j", (text, path, isValue, typed) => {
  const whole = ABOVE + text;
  expect(pathAt(whole, whole.length)).toEqual({ path, isValue, typed });
});

test("what stands behind the cursor does not count", () => {
  expect(pathAt(ABOVE, ABOVE.indexOf("viewer:")).path).toEqual(["roles"]);
});
