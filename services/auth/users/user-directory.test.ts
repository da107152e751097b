import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hashPassword, type PasswordHash } from "./password-hash.ts";
import { createUserDirectory, readAccounts, type UserDirectory } from "./user-directory.ts";
import { createAccountVerifier } from "./verify-account.ts";

let folder: string;
let hash: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-users-"));
  hash = await hashPassword("secret");
});
afterAll(() => rm(folder, { recursive: true }));

async function read(yaml: string): Promise<UserDirectory> {
  const path = join(folder, "users.yaml");
  await writeFile(path, yaml);
  return createUserDirectory(await readAccounts(path));
}

async function faultsOf(yaml: string): Promise<string> {
  return read(yaml).then(
    () => "none",
    (error: Error) => `${error.name}: ${error.message}`,
  );
}

test("a user is authenticated by tenant, name and password", async () => {
  const users = await read(`- { tenant: acme, username: ann, password: "${hash}", groups: [ops] }`);
  expect(await users.authenticate("acme", "ann", "secret", "192.0.2.1")).toMatchObject({
    username: "ann",
    groups: ["ops"],
  });
  expect(await users.authenticate("acme", "ann", "Secret", "192.0.2.1")).toBeUndefined();
  expect(await users.authenticate("rival", "ann", "secret", "192.0.2.1")).toBeUndefined();
});

test("an unknown name is refused even with the password of the user it is checked against", async () => {
  const users = await read(`- { tenant: acme, username: ann, password: "${hash}" }`);
  expect(await users.authenticate("acme", "nobody", "secret", "192.0.2.1")).toBeUndefined();
});

test("an unknown name costs the same work as a wrong password: a hash of the same cost is verified", async () => {
  const verified: PasswordHash[] = [];
  const verifier = createAccountVerifier(async (_secret, against) => verified.push(against) === 0);
  const path = join(folder, "users.yaml");
  await writeFile(path, `- { tenant: acme, username: ann, password: "${hash}" }`);
  const users = createUserDirectory(await readAccounts(path), verifier);
  await users.authenticate("acme", "ann", "wrong", "192.0.2.1");
  await users.authenticate("acme", "nobody", "wrong", "192.0.2.1");
  expect(verified).toHaveLength(2);
  expect(verified[1]).toBe(verified[0]);
});

test.each(["*s3cret", "&s3cret [*s3cret]"])(
  "a file with %s where a text should be is refused, and not quoted",
  async (text) => {
    const faults = await faultsOf(`- { tenant: acme, username: ann, password: ${text} }`);
    expect(faults).toMatch(/^BootError: the file .*users\.yaml \(AUTH_USERS_FILE\) is wrong:/);
    expect(faults).not.toContain("s3cret");
  },
);

test("every fault of the file is told at once, and no hash is quoted", async () => {
  const faults = await faultsOf(`
- { tenant: acme, username: "a\\tb", password: "${hash}" }
- { tenant: acme, username: bob, password: hunter2 }
- { tenant: acme, username: ann, password: "${hash}", admin: true }
- { tenant: acme, username: ann }
- { tenant: acme, username: cid, password: $argon2id$v=19,unquoted }
`);
  expect(faults).toContain("BootError");
  expect(faults).toContain("0.username");
  expect(faults).toContain("1.password: must be an argon2id hash");
  expect(faults).toContain("2: holds more than");
  expect(faults).toContain("3.password");
  expect(faults).not.toContain("hunter2");
  expect(faults).not.toContain("unquoted");
  expect(faults).not.toContain("$argon2id");
});

test("a user that stands twice, an empty file and broken YAML are faults", async () => {
  const ann = `- { tenant: acme, username: ann, password: "${hash}" }\n`;
  expect(await faultsOf(ann + ann)).toContain("1.username: acme.ann stands twice");
  expect(await faultsOf("[]")).toContain("BootError");
  expect(await faultsOf(`${ann}- { password: hunter2`)).toMatch(/line \d: /);
  expect(await faultsOf(`${ann}- { password: hunter2`)).not.toContain("hunter2");
  await expect(readAccounts(join(folder, "absent.yaml"))).rejects.toThrow(/AUTH_USERS_FILE.*ENOENT/);
});
