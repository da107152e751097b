import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sluice } from "#test/support/run-sluice.ts";

const SOUND = `tenant: acme
roles:
  viewer: { allow: ["order:read"] }
bindings: [{ role: viewer, subjects: [alice] }]
events: { "order.*": order:read }
tests:
  - { subject: alice, topic: order.created.42, expect: allow }
`;
const ODD = SOUND.replace('"order:read"]', '"order:read", "order:read"]');
const BROKEN = "tenant: acme\nroles: { a: { allow: [x] } }\nwho: me\n";
const FAILING = SOUND.replace("expect: allow", "expect: deny");

describe("sluice policy, without a server", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-cli-"));
    const files = { "acme.yaml": SOUND, "odd.yaml": ODD, "broken.yaml": BROKEN, "failing.yaml": FAILING };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Runs a command line in which `@name` is a file of the folder; answers what it said, without the folder. */
  const run = async (line: string, env: NodeJS.ProcessEnv = {}): Promise<{ code: number; lines: string[] }> => {
    const args = line.split(" ").map((word) => word.replace(/^@/, `${folder}/`));
    const { code, out, err } = await sluice(["policy", ...args], { env });
    if (err.length > 0) throw new Error(err.join("\n"));
    return { code, lines: out.map((said) => said.replaceAll(`${folder}/`, "")) };
  };

  it("lint tells errors and warnings with their places, and fails on errors, on warnings only when strict", async () => {
    expect(await run("lint @acme.yaml")).toEqual({ code: 0, lines: ["1 file: 0 errors, 0 warnings"] });
    expect(await run("lint @acme.yaml @broken.yaml")).toEqual({
      code: 1,
      lines: [
        expect.stringMatching(/^broken\.yaml:2:23: error: roles\.a\.allow\.0: must be a permission/),
        "broken.yaml:3:1: error: who: this key is not known",
        "2 files: 2 errors, 0 warnings",
      ],
    });
    const warnings = [
      'odd.yaml:1:9: warning: tenant: in a watched directory this file is taken for tenant "odd", and refused',
      "odd.yaml:3:35: warning: roles.viewer.allow.1: order:read is covered by order:read",
      "1 file: 0 errors, 2 warnings",
    ];
    expect(await run("lint @odd.yaml")).toEqual({ code: 0, lines: warnings });
    expect(await run("lint @odd.yaml --strict")).toEqual({ code: 1, lines: warnings });
    expect((await run("lint @acme.yaml --tenant rival")).lines[0]).toMatch(/acme\.yaml:1:9: error: tenant: this is/);
  });

  it("test tells which cases fail, and fails then", async () => {
    expect(await run("test @acme.yaml")).toEqual({ code: 0, lines: ["acme.yaml: 1 of 1 cases hold"] });
    expect(await run("test @failing.yaml @acme.yaml")).toEqual({
      code: 1,
      lines: [
        "failing.yaml:7:5: error: tests.0: expected deny, but role viewer says allow order:read",
        "failing.yaml: 0 of 1 cases hold",
        "acme.yaml: 1 of 1 cases hold",
      ],
    });
    expect((await run("test @broken.yaml")).code).toBe(1);
  });

  it("diff tells what two files differ in, and who gains and loses", async () => {
    await writeFile(join(folder, "next.yaml"), SOUND.replace("order:read", "note:read"));
    expect(await run("diff @acme.yaml @next.yaml")).toEqual({
      code: 0,
      lines: [
        "- allow viewer order:read",
        "+ allow viewer note:read",
        "",
        "alice, role:viewer",
        "  gains note:read",
        "  loses order:read",
      ],
    });
    expect((await run("diff @acme.yaml @acme.yaml")).lines).toEqual(["no difference"]);
    await expect(run("diff @acme.yaml @broken.yaml")).rejects.toThrow(/broken\.yaml: the policy document has 2 faults/);
  });

  it("explain tells which rule decides, and what the others say", async () => {
    expect(await run("explain alice --file @acme.yaml --topic order.created.42 --role ghost")).toEqual({
      code: 0,
      lines: [
        "allowed: role viewer says allow order:read: it is about every topic",
        "asked: order:read on order.created.42",
        "role viewer: bound by name",
        "holds: viewer: allow order:read: it is about every topic",
      ],
    });
    expect((await run("explain bob --file @acme.yaml --permission order:read")).lines).toEqual([
      "denied: no rule of the subject's roles is about order:read",
      "asked: order:read on every event",
    ]);
    const trusting = "explain eve --file @acme.yaml --permission order:read --role viewer";
    expect((await run(trusting)).lines[0]).toMatch(/^allowed/);
    expect((await run(`${trusting} --issuer https://idp`)).lines[0]).toMatch(/^denied/);
    const conditional = SOUND.replace('"order:read"', `{ rule: "order:read", when: "event.region == 'eu'" }`);
    await writeFile(join(folder, "eu.yaml"), conditional);
    const asked = "explain alice --file @eu.yaml --topic order.created --attribute region=";
    expect((await run(`${asked}eu`)).lines[0]).toMatch(/^allowed/);
    expect((await run(`${asked}us`)).lines[0]).toMatch(/^denied/);
    expect((await run("explain bob --file @acme.yaml --publish order.created.42")).lines).toEqual([
      "denied: no rule of the subject's roles is about order:publish",
      "asked: order:publish on order.created.42",
    ]);
  });

  it.each([
    ["nonsense", /unknown command 'nonsense'/],
    ["lint", /missing required argument 'file'/],
    ["lint @acme.yaml --nonsense", /unknown option '--nonsense'/],
    ["test", /missing required argument 'file'/],
    ["diff", /missing required argument 'file'/],
    ["diff @acme.yaml @acme.yaml @acme.yaml", /too many arguments/],
    ["lint @missing.yaml", /missing\.yaml cannot be read: ENOENT/],
    ["apply", /missing required argument 'file'/],
    ["apply @acme.yaml --url http://127.0.0.1:9", /there is no token: .*POLICY_TOKEN/],
    ["apply @acme.yaml --token-file @missing", /the token cannot be read: ENOENT/],
    ["apply @acme.yaml --url file:///etc", /not an http or https URL/],
    ["explain", /missing required argument 'subject'/],
    ["explain alice --topic a.b", /name either a tenant or a file/],
    ["explain alice --tenant acme --file @acme.yaml --topic a.b", /name either a tenant or a file/],
    ["explain alice --file @acme.yaml --event x.1.0", /--event needs a tenant/],
    ["explain alice --file @acme.yaml", /you must ask for one thing/],
    ["explain alice --tenant acme --topic a.b --permission a:b", /you must ask for one thing/],
    ["explain alice --tenant acme --topic a.*", /topic must be a topic/],
    ["explain alice --tenant acme --topic a.b --attribute region", /--attribute takes/],
    ["export", /missing required argument 'tenant'/],
    ["export a.b", /name the tenant/],
    ["import", /missing required argument 'file'/],
    ["import @acme.yaml", /not what export prints/],
    ["import @acme.yaml --if-match x", /--if-match takes a version/],
  ])("policy %s says what is wrong", async (line, message) => {
    await expect(run(line)).rejects.toThrow(message);
  });

  it("apply applies nothing that has errors or whose cases fail", async () => {
    expect((await run("apply @broken.yaml")).code).toBe(1);
    expect(await run("apply @failing.yaml")).toEqual({
      code: 1,
      lines: expect.arrayContaining(["failing.yaml: 0 of 1 cases hold"]),
    });
    await expect(run("apply @odd.yaml --strict")).rejects.toThrow("there are warnings");
  });

  it("says where it looked for a server that does not answer", async () => {
    const env = { POLICY_TOKEN: "x", POLICY_URL: "http://127.0.0.1:9" };
    await expect(run("diff @acme.yaml", env)).rejects.toThrow(/does not answer at http:\/\/127\.0\.0\.1:9: /);
  });
});
