import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sluice } from "#test/support/run-sluice.ts";
import { ACME_DOCUMENT, OPERATOR_TOKEN, type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";
import { waitFor } from "#test/support/wait.ts";

describe("sluice policy, with a server", () => {
  let stack: PolicyStack;
  let folder: string;
  let file: string;

  beforeAll(async () => {
    stack = await startPolicyStack();
    folder = await mkdtemp(join(tmpdir(), "sluice-cli-"));
    file = join(folder, "acme.yaml");
    await stack.call("PUT", "/v1/tenants/acme");
    await stack.call("PUT", "/v1/tenants/acme/policy", ACME_DOCUMENT);
    await stack.call("PUT", "/v1/tenants/acme/subjects/bob/roles", { roles: ["viewer"] });
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await stack[Symbol.asyncDispose]();
  });

  const run = async (args: string[], env: NodeJS.ProcessEnv = { POLICY_TOKEN: OPERATOR_TOKEN }) => {
    const { code, out, err } = await sluice(["policy", ...args], { env: { POLICY_URL: stack.url, ...env } });
    if (err.length > 0) throw new Error(err.join("\n"));
    return { code, lines: out };
  };
  const versionOf = async () => (await stack.call("GET", "/v1/tenants/acme/policy")).body["version"] as number;

  it("diff tells what a file would change in the policy in force, with what was bound over HTTP", async () => {
    await writeFile(file, ACME_DOCUMENT.replace('allow: ["order:read"]', 'allow: ["order:read", "note:read"]'));
    const { lines } = await run(["diff", file]);
    expect(lines).toEqual(["+ allow viewer note:read", "", "alice, bob, role:viewer", "  gains note:read"]);
    expect((await stack.call("GET", "/v1/tenants/acme/policy")).body["document"]).toBe(ACME_DOCUMENT);
  });

  it("apply shows what changes, puts the file in force, and tells the version", async () => {
    const text = `${ACME_DOCUMENT}tests: [{ subject: alice, topic: order.created, expect: allow }]\n`;
    await writeFile(file, text.replace("alice", "dave").replace("subject: alice", "subject: dave"));
    const version = await versionOf();
    const { code, lines } = await run(["apply", file]);
    expect([code, lines.at(-1)]).toEqual([0, `version ${version + 1} is in force`]);
    expect(lines).toEqual(expect.arrayContaining(["- binding alice viewer", "+ binding dave viewer"]));
    expect(await versionOf()).toBe(version + 1);
    expect((await run(["apply", file])).lines.slice(-2)).toEqual([
      "no difference",
      `version ${version + 1} is in force`,
    ]);
  });

  it("takes the token from a file, and says what a server that refuses says", async () => {
    await writeFile(join(folder, "token"), `# rota\nann: ${OPERATOR_TOKEN}\n`);
    expect((await run(["diff", file, "--token-file", join(folder, "token")], {})).code).toBe(0);
    expect((await run(["diff", file], { POLICY_OPERATOR_TOKEN_FILE: join(folder, "token") })).code).toBe(0);
    await expect(run(["diff", file], { POLICY_TOKEN: "no token at all" })).rejects.toThrow(/policy refuses \(401/);
    await writeFile(join(folder, "other.yaml"), "tenant: nowhere\n");
    await expect(run(["apply", join(folder, "other.yaml")])).rejects.toThrow(/404 tenant_unknown/);
    const elsewhere = { POLICY_URL: `http://127.0.0.1:${stack.policy.ports.ops}`, POLICY_TOKEN: OPERATOR_TOKEN };
    await expect(run(["diff", file], elsewhere)).rejects.toThrow("operations port");
  });

  it("apply leaves a document alone that comes from a file", async () => {
    const text = "tenant: filed\nroles: { viewer: {} }\n";
    await writeFile(join(stack.documents, "filed.yaml"), text);
    await waitFor("the file is in force", async () => {
      return (await stack.call("GET", "/v1/tenants/filed/policy")).body["document"] === text;
    });
    await writeFile(join(folder, "filed.yaml"), `${text}events: { "a.*": a:b }\n`);
    await expect(run(["apply", join(folder, "filed.yaml")])).rejects.toThrow(/409 document_from_file.*filed\.yaml/);
  });

  it("explain tells what policy says about a question, and about an event", async () => {
    const asked = ["explain", "bob", "--tenant", "acme"];
    const { lines } = await run([...asked, "--topic", "order.created.42", "--role", "halfAdmin"]);
    expect(lines).toEqual([
      "you said: roles halfAdmin; groups none",
      `allowed by version ${await versionOf()}: role viewer says allow order:read: it is about every topic`,
      "asked: order:read on order.created.42",
      expect.stringMatching(/^role viewer: /),
      "role halfAdmin: token",
      expect.stringMatching(
        /^does not hold: viewer: deny order:read@order\.hidden\.>: it is about order\.hidden\.>, not/,
      ),
      "holds: viewer: allow order:read: it is about every topic",
    ]);
    const { lines: chain } = await run([...asked, "--event", "0123456789ab.1.0"]);
    expect(chain.slice(0, 3)).toEqual([
      "auth knows nobody of this name: roles none; groups none",
      expect.stringMatching(/^other_log: /),
      expect.stringMatching(/^no +stored +The tenant's log was made anew/),
    ]);
    expect(chain.at(-1)).toBe("the first no: stored");
    await expect(run([...asked, "--sequence", "1", "--event", "x"])).rejects.toThrow(/name one event/);
    await expect(run([...asked, "--at", "2026-01-01T00:00:00Z"])).rejects.toThrow(/name one event/);
    stack.people.hold("acme", "ida", { roles: ["viewer"], groups: [] });
    const present = await run(["explain", "ida", "--tenant", "acme", "--topic", "order.created.42"]);
    expect(present.lines.slice(0, 2)).toEqual([
      "auth says now: roles viewer; groups none",
      expect.stringMatching(/^allowed by version /),
    ]);
    await expect(run([...asked, "--event", "x"])).rejects.toThrow(/400 malformed_request/);
  });

  it("import puts back what export printed, only from the version that was seen", async () => {
    const exported = join(folder, "export.ndjson");
    await writeFile(exported, (await run(["export", "acme"])).lines.join("\n"));
    const lines = (await readFile(exported, "utf8")).split("\n").map((line): unknown => JSON.parse(line));
    expect(lines).toEqual([expect.objectContaining({ subjects: 1 }), { subject: "bob", roles: ["viewer"] }]);
    await stack.call("DELETE", "/v1/tenants/acme/subjects/bob/roles");
    await expect(run(["import", exported, "--if-match", "1"])).rejects.toThrow(/412 version_conflict.*quicker/);
    const version = await versionOf();
    const { lines: said } = await run(["import", exported, "--if-match", String(version)]);
    expect(said).toEqual([`version ${version + 1} is in force`]);
    expect((await stack.call("GET", "/v1/tenants/acme/policy")).body["bindings"]).toEqual({ bob: ["viewer"] });
  });
});
