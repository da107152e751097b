import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PolicyStack, startPolicyStack } from "#test/support/start-policy.ts";
import { startService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";

const documentOf = (tenant: string, role: string): string =>
  `tenant: ${tenant}\nroles: { ${role}: { allow: ["a:b"] } }\nbindings: [{ role: ${role}, subjects: [alice] }]\n`;

describe("document files under a running policy", () => {
  let stack: PolicyStack;
  let names = 0;

  beforeAll(async () => {
    stack = await startPolicyStack();
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  const path = (name: string): string => join(stack.documents, name);
  const policyOf = async (tenant: string) => (await stack.call("GET", `/v1/tenants/${tenant}/policy`)).body;
  const metricsText = async (): Promise<string> =>
    (await fetch(`http://127.0.0.1:${stack.policy.ports.ops}/metrics`)).text();
  const rejectedCount = async (): Promise<number> =>
    Number(/^sluice_policy_documents_rejected_total (\d+)/m.exec(await metricsText())?.[1] ?? 0);
  /** At once: a file that is written in place is empty for a moment, which would be a rejection more. */
  const replace = async (name: string, text: string | Buffer): Promise<void> => {
    await writeFile(path(`${name}.next`), text);
    await rename(path(`${name}.next`), path(name));
  };
  const inForce = (tenant: string, text: string) =>
    waitFor(`the document of ${tenant} is in force`, async () => {
      const policy = await policyOf(tenant);
      return policy["document"] === text && policy["rejected"] === undefined && policy;
    });
  /** A tenant whose document is a file of its own. */
  const newTenant = async (): Promise<string> => {
    names += 1;
    const tenant = `t${names}`;
    await replace(`${tenant}.yaml`, documentOf(tenant, "one"));
    await inForce(tenant, documentOf(tenant, "one"));
    return tenant;
  };

  it("are in force however an editor replaces them", async () => {
    const ways: Array<[string, (file: string, text: string) => Promise<void>]> = [
      ["written in place", (file, text) => writeFile(file, text)],
      [
        "replaced by a rename",
        async (file, text) => {
          await writeFile(`${file}.tmp`, text);
          await rename(`${file}.tmp`, file);
        },
      ],
      [
        "set aside and written anew",
        async (file, text) => {
          await rename(file, `${file}~`);
          await writeFile(file, text);
        },
      ],
      [
        "removed and written anew",
        async (file, text) => {
          await rm(file);
          await writeFile(file, text);
        },
      ],
      [
        "emptied, then written",
        async (file, text) => {
          await writeFile(file, "");
          await writeFile(file, text);
        },
      ],
      [
        "replaced by a link to another file",
        async (file, text) => {
          await writeFile(`${file}.target`, text);
          await symlink(`${file}.target`, `${file}.link`);
          await rename(`${file}.link`, file);
        },
      ],
    ];
    await Promise.all(
      ways.map(async ([, put]) => {
        const tenant = await newTenant();
        await put(path(`${tenant}.yaml`), documentOf(tenant, "two"));
        await inForce(tenant, documentOf(tenant, "two"));
      }),
    );
  });

  it("follow the swap of Kubernetes' ..data link, also when a file of it is broken", async () => {
    const mounted = async (revision: string, files: Record<string, string>): Promise<void> => {
      await mkdir(path(`..${revision}`));
      for (const [name, text] of Object.entries(files)) await writeFile(path(`..${revision}/${name}`), text);
      await symlink(`..${revision}`, path("..data_tmp"));
      await rename(path("..data_tmp"), path("..data"));
    };
    await mounted("1", { "m1.yaml": documentOf("m1", "one"), "m2.yaml": documentOf("m2", "one") });
    for (const name of ["m1.yaml", "m2.yaml"]) await symlink(`..data/${name}`, path(name));
    await Promise.all(["m1", "m2"].map((tenant) => inForce(tenant, documentOf(tenant, "one"))));
    await mounted("2", { "m1.yaml": documentOf("m1", "two"), "m2.yaml": "tenant: m2\nroles: [" });
    await rm(path("..1"), { recursive: true });
    await inForce("m1", documentOf("m1", "two"));
    const broken = await waitFor("m2 is rejected", async () => {
      const policy = await policyOf("m2");
      return policy["rejected"] !== undefined && policy;
    });
    expect(broken["document"]).toBe(documentOf("m2", "one"));
  });

  it("that are bad leave the last good one in force, say why, are counted, and touch nobody else", async () => {
    const bad: Array<[string, (tenant: string) => string | Buffer, object]> = [
      ["broken", () => "tenant: [", { line: 1 }],
      ["half-written", (tenant) => documentOf(tenant, "two").slice(0, -20), { line: 3 }],
      ["empty", () => "", { message: expect.stringContaining("object") }],
      ["not text", () => Buffer.from([0xff, 0xfe, 0x00]), { message: "the file is not UTF-8" }],
      ["of another tenant", () => documentOf("t1", "two"), { path: "tenant", line: 1 }],
      [
        "contradicted by its own test cases",
        (tenant) => `${documentOf(tenant, "two")}tests: [{ subject: alice, permission: "a:b", expect: deny }]\n`,
        { path: "tests.0", line: 4 },
      ],
    ];
    const bystander = await newTenant();
    const [untouched, count] = [await policyOf(bystander), await rejectedCount()];
    await Promise.all(
      bad.map(async ([what, text, fault]) => {
        const tenant = await newTenant();
        const before = await policyOf(tenant);
        await replace(`${tenant}.yaml`, text(tenant));
        const { rejected, ...after } = await waitFor(`the file that is ${what} is rejected`, async () => {
          const policy = await policyOf(tenant);
          return policy["rejected"] !== undefined && policy;
        });
        expect(rejected).toMatchObject({ reason: "invalid", file: `${tenant}.yaml` });
        expect((rejected as { faults: object[] }).faults[0]).toMatchObject(fault);
        expect(after).toEqual(before);
        await replace(`${tenant}.yaml`, documentOf(tenant, "three"));
        await inForce(tenant, documentOf(tenant, "three"));
      }),
    );
    expect(await rejectedCount()).toBe(count + bad.length);
    expect(await policyOf(bystander)).toEqual(untouched);
  });

  it("that are gone leave their documents in force, say so, and let them be put over HTTP until they are back", async () => {
    const tenant = await newTenant();
    await rm(path(`${tenant}.yaml`));
    const policy = await waitFor("the file is told as missing", async () => {
      const { origin, document } = (await policyOf(tenant)) as { origin?: { missing?: boolean }; document?: string };
      return origin?.missing === true && document;
    });
    expect(policy).toBe(documentOf(tenant, "one"));
    await waitFor("the file is counted", async () =>
      (await metricsText()).includes("sluice_policy_documents_missing 1\n"),
    );
    const put = await stack.call("PUT", `/v1/tenants/${tenant}/policy`, documentOf(tenant, "two"));
    expect(put.status).toBe(200);
    await writeFile(path(`${tenant}.yaml`), documentOf(tenant, "three"));
    await inForce(tenant, documentOf(tenant, "three"));
    expect((await stack.call("PUT", `/v1/tenants/${tenant}/policy`, documentOf(tenant, "two"))).status).toBe(409);
  });

  it("are found in a directory that was away and comes back", async () => {
    await using later = await startOn(join(stack.documents, "not-yet"));
    const readiness = async () => (await fetch(`http://127.0.0.1:${later.opsPort}/readyz`)).text();
    expect(await readiness()).toMatch(/documents_unreadable.*does not exist/s);
    await mkdir(later.documents);
    await writeFile(join(later.documents, "late.yaml"), documentOf("late", "one"));
    await inForce("late", documentOf("late", "one"));
    await waitFor("the directory is readable", async () => !(await readiness()).includes("documents_unreadable"));
    await rename(later.documents, `${later.documents}-away`);
    await mkdir(later.documents);
    await writeFile(join(later.documents, "late.yaml"), documentOf("late", "two"));
    await inForce("late", documentOf("late", "two"));
  });

  it("of yesterday give nothing back when a second process starts with them, and the two do not fight", async () => {
    const tenant = await newTenant();
    await writeFile(path(`${tenant}.yaml`), documentOf(tenant, "two"));
    const before = await inForce(tenant, documentOf(tenant, "two"));
    const old = await mkdtemp(join(tmpdir(), "sluice-old-"));
    await writeFile(join(old, `${tenant}.yaml`), documentOf(tenant, "one"));
    await using second = await startOn(old);
    const own = await (await fetch(`${second.url}/v1/tenants/${tenant}/policy`, { headers: second.headers })).json();
    expect(own).toMatchObject({ version: before["version"], rejected: { reason: "older", faults: [] } });
    await writeFile(path(`${tenant}.yaml`), documentOf(tenant, "three"));
    const after = await inForce(tenant, documentOf(tenant, "three"));
    expect(after["version"]).toBe((before["version"] as number) + 1);
    await rm(old, { recursive: true });
  });

  /** Another process of policy beside the first, with files of its own. */
  async function startOn(documents: string) {
    const token = "another-operator-token";
    const service = await startService("policy", {
      NATS_URL: stack.nats.url("policy"),
      POLICY_DOCUMENTS_DIR: documents,
      POLICY_OPERATOR_TOKEN: token,
    });
    return {
      documents,
      url: `http://127.0.0.1:${service.ports.http}`,
      opsPort: service.ports.ops,
      headers: { authorization: `Bearer ${token}` },
      [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    };
  }
});
