import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readOutsideIssuers } from "./outside-issuers.ts";

const OWN = "http://localhost:8081";
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-issuers-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string) {
  const path = join(folder, "issuers.yaml");
  await writeFile(path, text);
  return readOutsideIssuers(path, OWN);
}

test("a list of issuers is read, with what is usual left out", async () => {
  const text = `
- issuer: https://login.example.com
  jwks_uri: https://login.example.com/keys
  audience: sluice
  tenant: acme
  algorithms: [RS256]
  type: JWT
  claims: { subject: oid, roles: [realm_access, roles] }
- { issuer: test, jwks_uri: "http://127.0.0.1:1/keys", audience: sluice, tenant: acme, algorithms: [EdDSA] }
`;
  expect(await read(text)).toMatchObject([
    { type: "JWT", claims: { subject: "oid", roles: ["realm_access", "roles"] } },
    { type: "at+jwt", claims: { subject: "sub" } },
  ]);
});

test("every fault is named at once", async () => {
  const text = `
- issuer: ${OWN}
  jwks_uri: http://login.example.com/keys
  audience: sluice
  tenant: a.b
  algorithms: [HS256]
- { issuer: twice, jwks_uri: "https://a/", audience: a, tenant: acme, algorithms: [] }
- { issuer: other, jwks_uri: nowhere, audience: a, tenant: acme, algorithms: [none], secret: x }
`;
  await expect(read(text)).rejects.toThrow(
    /0\.jwks_uri: must be an https URL[\s\S]*0\.tenant[\s\S]*0\.algorithms\.0[\s\S]*1\.algorithms[\s\S]*2\.jwks_uri[\s\S]*2\.algorithms\.0[\s\S]*2: .*secret/,
  );
});

test("an issuer that is listed twice, or is our own, is named", async () => {
  const entry = (issuer: string) =>
    `- { issuer: "${issuer}", jwks_uri: "https://a/", audience: a, tenant: acme, algorithms: [ES256] }\n`;
  await expect(read(entry("one") + entry("one"))).rejects.toThrow("1.issuer: one is listed twice");
  await expect(read(entry(OWN))).rejects.toThrow("0.issuer: is our own issuer");
});

test("a file that is not there, no YAML, or no list is named", async () => {
  await expect(readOutsideIssuers(join(folder, "none.yaml"), OWN)).rejects.toThrow(/cannot read .*ENOENT/);
  await expect(read("a: [")).rejects.toThrow("is wrong");
  await expect(read("issuer: one")).rejects.toThrow("the file: ");
});
