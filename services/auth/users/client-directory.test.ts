import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ClientDirectory, readClientDirectory } from "./client-directory.ts";
import { hashPassword } from "./password-hash.ts";
import { createAccountVerifier } from "./verify-account.ts";

let folder: string;
let hash: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-clients-"));
  hash = await hashPassword("secret");
});
afterAll(() => rm(folder, { recursive: true }));

async function read(yaml: string): Promise<ClientDirectory> {
  const path = join(folder, "clients.yaml");
  await writeFile(path, yaml);
  return readClientDirectory(path, createAccountVerifier());
}

async function faultsOf(yaml: string): Promise<string> {
  return read(yaml).then(
    () => "none",
    (error: Error) => `${error.name}: ${error.message}`,
  );
}

const admit = async (): Promise<void> => {};

test("a client is found in its tenant alone, and authenticated by its secret", async () => {
  const clients = await read(`- { tenant: acme, client_id: job, secret: "${hash}", roles: [reader] }`);
  expect(clients.find("acme", "job")).toMatchObject({ username: "job", roles: ["reader"] });
  expect(clients.find("rival", "job")).toBeUndefined();
  expect(await clients.authenticate("job", "secret", "192.0.2.1", admit)).toMatchObject({
    tenant: "acme",
    username: "job",
  });
  expect(await clients.authenticate("job", "Secret", "192.0.2.1", admit)).toBeUndefined();
  expect(await clients.authenticate("nobody", "secret", "192.0.2.1", admit)).toBeUndefined();
});

test("a right secret is verified once, however many come with it; a wrong one every time", async () => {
  const clients = await read(`- { tenant: acme, client_id: job, secret: "${hash}" }`);
  let verifications = 0;
  const count = async (): Promise<void> => void verifications++;
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => clients.authenticate("job", "secret", "192.0.2.1", count)),
  );
  expect(answers.every((client) => client?.username === "job")).toBe(true);
  expect(verifications).toBe(1);
  for (const _turn of [1, 2]) await clients.authenticate("job", "wrong", "192.0.2.1", count);
  expect(verifications).toBe(3);
});

test("a certificate speaks for the clients that say so, which need no secret", async () => {
  const clients = await read(`
- { tenant: acme, client_id: job, secret: "${hash}" }
- { tenant: acme, client_id: robot, certificate: true }
`);
  expect(clients.findCertified("robot")).toMatchObject({ tenant: "acme", username: "robot" });
  for (const id of ["job", "nobody"]) expect(clients.findCertified(id)).toBeUndefined();
  expect(await clients.authenticate("robot", "secret", "192.0.2.1", admit)).toBeUndefined();
  expect(await faultsOf("- { tenant: acme, client_id: bare }")).toContain("0: needs a secret, or certificate: true");
});

test("without a file there are no clients", async () => {
  const clients = await readClientDirectory(undefined, createAccountVerifier());
  expect(clients.find("acme", "job")).toBeUndefined();
  expect(await clients.authenticate("job", "secret", "192.0.2.1", admit)).toBeUndefined();
});

test("every fault of the file is told at once, and no secret is quoted", async () => {
  const faults = await faultsOf(`
- { tenant: "a*", client_id: job, secret: "${hash}" }
- { tenant: rival, client_id: job, secret: "${hash}" }
- { tenant: acme, client_id: other, secret: hunter2 }
- { tenant: acme, client_id: third, secret: "${hash}", admin: true }
`);
  expect(faults).toContain("BootError");
  for (const fault of ["0.tenant", "2.secret: must be an argon2id hash", "3: holds more than"]) {
    expect(faults).toContain(fault);
  }
  expect(faults).not.toContain("hunter2");
  expect(faults).not.toContain("$argon2id");
  const twice = ["acme", "rival"].map((tenant) => `- { tenant: ${tenant}, client_id: job, secret: "${hash}" }\n`);
  expect(await faultsOf(twice.join(""))).toContain("1.client_id: job stands twice");
});
