import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { openPolicies, type OpenPolicies } from "#test/support/open-policies.ts";
import { applyFile, type FileOccasion } from "./apply-file.ts";

const documentOf = (tenant: string, role: string): string => `tenant: ${tenant}\nroles: { ${role}: {} }\n`;

describe("a document file", () => {
  let nats: NatsServer;
  let policies: OpenPolicies;

  beforeAll(async () => {
    nats = await startNats();
    policies = await openPolicies(nats.url("policy"));
  });
  afterAll(async () => {
    await policies[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
  });

  const apply = (tenant: string, text: string | Buffer, occasion: FileOccasion) => {
    const bytes = Buffer.from(text);
    const hash = createHash("sha256").update(bytes).digest("hex");
    return applyFile(policies.deps, { name: `${tenant}.yaml`, tenant, bytes, hash }, occasion);
  };
  const rolesOf = async (tenant: string) => (await policies.deps.snapshots.atLeast(tenant)).roleNames;

  it("makes its tenant, and is in force", async () => {
    expect(await apply("acme", documentOf("acme", "one"), "boot")).toBeUndefined();
    expect(await rolesOf("acme")).toEqual(["one"]);
    expect((await policies.store.read("acme"))?.policy.document.origin).toMatchObject({
      kind: "file",
      name: "acme.yaml",
    });
  });

  it("that changes under watch is in force, also if it was before", async () => {
    for (const role of ["one", "two", "one"]) {
      expect(await apply("again", documentOf("again", role), "change")).toBeUndefined();
      expect(await rolesOf("again")).toEqual([role]);
    }
  });

  it("that lies there at boot is not news once another has replaced it, and no change while it is the current one", async () => {
    await apply("boots", documentOf("boots", "one"), "boot");
    await apply("boots", documentOf("boots", "two"), "change");
    const versions = (await policies.store.history("boots")).length;
    expect(await apply("boots", documentOf("boots", "one"), "boot")).toEqual({ reason: "older", faults: [] });
    expect(await apply("boots", documentOf("boots", "two"), "boot")).toBeUndefined();
    expect(await rolesOf("boots")).toEqual(["two"]);
    expect(await policies.store.history("boots")).toHaveLength(versions);
  });

  it("that is broken changes nothing, of its own tenant or another", async () => {
    await apply("sound", documentOf("sound", "one"), "boot");
    expect(await apply("sound", "tenant: sound\nroles: [", "change")).toMatchObject({ reason: "invalid" });
    expect(await apply("sound", documentOf("boots", "one"), "change")).toMatchObject({ reason: "invalid" });
    expect(await apply("sound", Buffer.from([0xff, 0xfe, 0x00]), "change")).toMatchObject({ reason: "invalid" });
    expect(await rolesOf("sound")).toEqual(["one"]);
  });

  it("that is a copy of another tenant's, or has no name of a tenant, is refused with what to do", async () => {
    expect(await apply("copied", documentOf("acme", "one"), "change")).toMatchObject({
      faults: [
        {
          line: 1,
          column: 9,
          message:
            'this is the document of tenant "copied", not of "acme"; copied.yaml must be named like it, and a copy kept outside the directory',
        },
      ],
    });
    expect(await apply("acme copy", documentOf("acme", "one"), "change")).toMatchObject({
      faults: [{ message: expect.stringContaining("must be named <tenant>.yaml") }],
    });
  });

  it("that is renamed is the origin of the document in force", async () => {
    const text = Buffer.from(documentOf("renamed", "one"));
    const as = (name: string) =>
      applyFile(policies.deps, { name, tenant: "renamed", bytes: text, hash: "h" }, "change");
    await as("renamed.yaml");
    await as("renamed.json");
    await as("renamed.json");
    const versions = await policies.store.history("renamed");
    expect(versions.map(({ document: { origin } }) => origin.kind === "file" && origin.name)).toEqual([
      "renamed.json",
      "renamed.yaml",
      false,
    ]);
  });

  it("whose own test cases fail is refused with their place, and makes no tenant", async () => {
    const failing = `${documentOf("tested", "one")}tests:\n  - { subject: a, permission: b:c, expect: allow }\n`;
    expect(await apply("tested", failing, "boot")).toEqual({
      reason: "invalid",
      faults: [
        {
          line: 4,
          column: 5,
          path: "tests.0",
          message: "expected allow, but no rule of the subject's roles is about b:c",
        },
      ],
    });
    expect(await policies.store.tenants()).not.toContain("tested");
    expect(await apply("tested", failing.replace("allow", "deny"), "change")).toBeUndefined();
    expect(await apply("tested", failing, "change")).toMatchObject({ reason: "invalid" });
    expect((await policies.store.read("tested"))?.policy.document.text).toMatch("deny");
  });

  it.each(["a.b", "*", ">", "a b", "a".repeat(65)])("makes no tenant named %j", async (tenant) => {
    expect(await apply(tenant, "tenant: x", "change")).toMatchObject({ reason: "invalid" });
    expect(await policies.store.tenants()).not.toContain(tenant);
  });

  it("that takes nearly all the room there is keeps what it changes beside it", async () => {
    const roles = Array.from({ length: 60 }, (_, index) => `  ${"r".repeat(60)}${index}: {}\n`).join("");
    const text = `tenant: full\nroles:\n${roles}#`.padEnd(1024 * 1024 - 2_000, "x");
    expect(await apply("full", documentOf("full", "one"), "change")).toBeUndefined();
    expect(await apply("full", text, "change")).toBeUndefined();
    const [kept] = await policies.store.history("full");
    expect(kept?.diff).toMatchObject({ more: 11 });
    expect((await policies.store.read("full"))?.policy.document.text).toBe(text);
  });

  it("that is larger than the store takes is refused", async () => {
    const text = `${documentOf("huge", "one")}#${"x".repeat(1024 * 1024 - 100)}`;
    expect(await apply("huge", text, "change")).toMatchObject({ reason: "invalid", faults: [expect.anything()] });
  });
});
