import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readOutsideIssuers } from "./outside-issuers.ts";
import { issuerSecretsIn } from "./verify-access-token.ts";

const OWN = "http://localhost:8081";
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-issuers-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string, secrets = {}) {
  const path = join(folder, "issuers.yaml");
  await writeFile(path, text);
  return readOutsideIssuers(path, OWN, secrets);
}

test("the issuer, an audience and a tenant are enough", async () => {
  const { issuers } = await read("- { issuer: https://login.example.com, audience: sluice, tenant: acme }");
  expect(issuers[0]?.entry).toMatchObject({
    audience: ["sluice"],
    audience_claim: "aud",
    type: ["at+jwt", "JWT", "absent"],
    claims: { subject: { from: [["sub"]] }, attributes: {} },
  });
  expect(issuers[0]?.entry.algorithms).not.toEqual(expect.arrayContaining([expect.stringMatching(/^HS|none/)]));
});

test("a list of issuers is read, with what is usual left out", async () => {
  const text = `
- issuer: https://login.example.com
  jwks_uri: https://login.example.com/keys
  audience: [sluice, sluice-ios]
  tenant: acme
  algorithms: [RS256]
  type: [JWT, absent]
  claims:
    subject: oid
    roles: [[realm_access, roles], [resource_access, api, roles]]
    groups: { from: groups, strip_prefix: /, rename: { ops: operators }, prefix: "kc:" }
    attributes: { region: [org, region] }
- { issuer: test, jwks_uri: "http://127.0.0.1:1/keys", audience: sluice, tenant: acme, algorithms: [EdDSA] }
`;
  const { issuers } = await read(text);
  expect(issuers.map(({ entry }) => entry)).toMatchObject([
    {
      audience: ["sluice", "sluice-ios"],
      type: ["JWT", "absent"],
      claims: {
        subject: { from: [["oid"]] },
        roles: {
          from: [
            ["realm_access", "roles"],
            ["resource_access", "api", "roles"],
          ],
        },
        groups: { from: [["groups"]], strip_prefix: "/", rename: { ops: "operators" }, prefix: "kc:" },
        attributes: { region: { from: [["org", "region"]] } },
      },
    },
    { issuer: "test" },
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

test.each([
  ["{ issuer: dex, audience: a, tenant: acme }", /0\.jwks_uri: is needed where the issuer is no https URL/],
  ["{ issuer: http://login.example.com, audience: a, tenant: acme }", /0\.jwks_uri: is needed/],
  ["{ issuer: https://a, audience: a }", /0\.tenant: is needed, or tenant_claim/],
  ["{ issuer: https://a, audience: a, tenant_claim: org_id }", /0\.tenants: belongs to tenant_claim/],
  ["{ issuer: https://a, audience: a, tenant: acme, tenants: [acme] }", /0\.tenants: belongs to tenant_claim/],
  ["{ issuer: https://a, audience: a, tenant_claim: org, tenants: [] }", /0\.tenants/],
  ["{ issuer: https://a, audience: a, tenant_claim: o, tenants: [b], tenant_pattern: x }", /must have \{tenant\}/],
  ["{ issuer: https://a, audience: a, tenant: b, claims: { attributes: { sub: x } } }", /may not be id, sub or tenant/],
  ["{ issuer: https://a, audience: a, tenant: b, ca_file: /none.pem }", /0\.ca_file: cannot read \/none\.pem \(ENOENT/],
  ["{ issuer: https://a, audience: a, tenant: b, introspection: { client_id: c } }", /needs client_secret_file, or/],
  [
    "{ issuer: http://idp.internal, jwks_uri: https://a/, audience: a, tenant: b, introspection: { client_id: c, client_secret_file: /x } }",
    /0\.introspection\.endpoint: is needed where the issuer is no https URL/,
  ],
  [
    "{ issuer: https://a, audience: a, tenant: b, introspection: { client_id: c, client_secret_env: REDIS_URL } }",
    /client_secret_env/,
  ],
  [
    "{ issuer: https://a, audience: a, tenant: b, introspection: { client_id: c, client_secret_env: AUTH_ISSUER_SECRET_B } }",
    /AUTH_ISSUER_SECRET_B is not set/,
  ],
])("an entry %s is refused with what it needs", async (entry, reason) => {
  await expect(read(`- ${entry}`)).rejects.toThrow(reason);
});

test("a secret comes from a variable or a file, and the files that are read are named", async () => {
  const path = join(folder, "secret");
  await writeFile(path, "s3cret\n");
  const entry = (issuer: string, from: string) =>
    `- { issuer: "https://${issuer}", audience: a, tenant: acme, introspection: { client_id: c, ${from} } }\n`;
  const text = entry("a", `client_secret_file: ${path}`) + entry("b", "client_secret_env: AUTH_ISSUER_SECRET_B");
  const { issuers, paths } = await read(text, { AUTH_ISSUER_SECRET_B: "other" });
  expect(issuers.map(({ clientSecret }) => clientSecret)).toEqual(["s3cret", "other"]);
  expect(paths).toEqual([join(folder, "issuers.yaml"), path]);
  await writeFile(path, " \n");
  await expect(read(text, { AUTH_ISSUER_SECRET_B: "other" })).rejects.toThrow(
    "0.introspection: the secret of c is empty",
  );
  const env = { AUTH_ISSUER_SECRET_A: " s3cret\n", AUTH_ISSUER_SECRET_B: "\n", OTHER: "x" };
  expect(issuerSecretsIn(env)).toEqual({ AUTH_ISSUER_SECRET_A: "s3cret" });
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
