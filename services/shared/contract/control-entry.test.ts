import { describe, expect, test } from "vitest";
import {
  erasedEntrySchema,
  MAX_ERASED_IDS,
  policyEntrySchema,
  sessionEntrySchema,
  tenantEntrySchema,
} from "./control-entry.ts";

describe("a policy entry", () => {
  test.each([
    { version: 17, build: "9f3a" },
    { version: 17, build: "9f3a", roles: ["viewer"], subjects: ["alice", "group:ops"] },
    { version: 17, build: "9f3a", all: true },
  ])("may be %j", (entry) => expect(policyEntrySchema.parse(entry)).toEqual(entry));

  test("keeps nothing that it does not know", () => {
    const entry = { version: 17, build: "9f3a", later: "addition" };
    expect(policyEntrySchema.parse(entry)).toEqual({ version: 17, build: "9f3a" });
  });

  test.each([
    undefined,
    null,
    "17",
    [],
    {},
    { version: 17 },
    { build: "9f3a" },
    { version: 0, build: "9f3a" },
    { version: -1, build: "9f3a" },
    { version: "17", build: "9f3a" },
    { version: 17, build: "9f3a", roles: "viewer" },
    { version: 17, build: "9f3a", subjects: [1] },
    { version: 17, build: "9f3a", all: false },
  ])("is never %j", (entry) => expect(policyEntrySchema.safeParse(entry).success).toBe(false));
});

describe("a session entry", () => {
  test.each([
    { sid: "s-1", action: "revoked" },
    { sub: "alice", action: "changed" },
    { sub: "jane.doe@acme.example", action: "changed" },
  ])("may be %j", (entry) => expect(sessionEntrySchema.parse(entry)).toEqual(entry));

  test.each([
    {},
    { sid: "s-1" },
    { sid: "s-1", action: "changed" },
    { sub: "alice", action: "revoked" },
    { sid: "", action: "revoked" },
    { sid: "*", action: "revoked" },
    { sid: "x".repeat(65), action: "revoked" },
    { sub: "al\nice", action: "changed" },
    { sub: 1, action: "changed" },
  ])("is never %j", (entry) => expect(sessionEntrySchema.safeParse(entry).success).toBe(false));
});

describe("a tenant entry", () => {
  test.each(["active", "suspended", "deleted"])("may say %s", (state) =>
    expect(tenantEntrySchema.parse({ state })).toEqual({ state }),
  );

  test.each([{}, { state: "gone" }, { state: "" }, { state: ["active"] }])("is never %j", (entry) =>
    expect(tenantEntrySchema.safeParse(entry).success).toBe(false),
  );
});

describe("an entry of an erasure", () => {
  const ids = (count: number): string[] => Array.from({ length: count }, (_, seq) => `1f00c0ffee00.${seq}.0`);

  test.each([
    { subject: "order.*.42", through: 17 },
    { subject: ">", through: 0 },
    { ids: ["1f00c0ffee00.7.abc"], through: 17 },
    { ids: ids(MAX_ERASED_IDS), through: 17 },
  ])("may be %j", (entry) => expect(erasedEntrySchema.parse(entry)).toEqual(entry));

  test.each([
    {},
    { subject: "order.*.42" },
    { subject: "order", through: 17 },
    { subject: "order.>.42", through: 17 },
    { subject: "order.*.42", through: -1 },
    { subject: "order.*.42", through: 1.5 },
    { ids: [], through: 17 },
    { ids: [7], through: 17 },
    { ids: ["x".repeat(129)], through: 17 },
    { ids: ids(MAX_ERASED_IDS + 1), through: 17 },
    { through: 17 },
  ])("is never %j", (entry) => expect(erasedEntrySchema.safeParse(entry).success).toBe(false));
});
