import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitFor } from "#test/support/wait.ts";
import { followSecrets, type WebhookSecrets } from "./follow-secrets.ts";

const SECRET = `whsec_${Buffer.alloc(24, 1).toString("base64")}`;
const OTHER = `whsec_${Buffer.alloc(24, 2).toString("base64")}`;
const LOG = { info: () => {}, error: () => {} };

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-secrets-"));
  path = join(folder, "secrets.yaml");
});
afterAll(() => rm(folder, { recursive: true }));

function find(secrets: WebhookSecrets, secretRef: string, change: object = {}): string {
  const asked = { tenant: "acme", subject: "alice", secretRef, url: "https://hooks.example.com/a", ...change };
  const found = secrets.find(asked);
  return typeof found === "string" ? found : found.sign("m", 1, Buffer.from(""));
}

async function follow(text: string): Promise<WebhookSecrets> {
  await writeFile(path, text);
  return followSecrets(path, LOG);
}

describe("a secret", () => {
  test("is its tenant's, for the people and the hosts that the file names, or all", async () => {
    using secrets = await follow(`
acme:
  open: ${SECRET}
  hers: { secret: ${SECRET}, subjects: [alice] }
  there: { secret: "${SECRET} ${OTHER}", hosts: [Hooks.example.com, "other:8443"] }
`);
    expect(find(secrets, "open")).toMatch(/^v1,/);
    expect(find(secrets, "hers")).toMatch(/^v1,/);
    expect(find(secrets, "there")).toMatch(/^v1,\S+ v1,/);
    expect(find(secrets, "there", { url: "https://other:8443/" })).toMatch(/^v1,/);
    const unknown = (name: string) => `the operator has set no secret "${name}" for you`;
    expect(find(secrets, "hers", { subject: "bob" })).toBe(unknown("hers"));
    expect(find(secrets, "open", { tenant: "rival" })).toBe(unknown("open"));
    expect(find(secrets, "toString")).toBe(unknown("toString"));
    expect(find(secrets, "open", { tenant: "constructor" })).toBe(unknown("open"));
    expect(find(secrets, "there", { url: "https://other/" })).toBe('the secret "there" is for other hosts');
  });

  test("is replaced while the process runs; a broken file leaves the last good one in force", async () => {
    using secrets = await follow(`acme: { a: ${SECRET} }`);
    const before = find(secrets, "a");
    await writeFile(path, `acme: { a: ${OTHER} }`);
    await waitFor("the other secret", () => find(secrets, "a") !== before);
    const after = find(secrets, "a");
    await writeFile(path, "acme: { a: whsec_short }");
    expect(find(secrets, "a")).toBe(after);
  });
});

test.each([
  ["a short secret", "acme: { a: whsec_AAAA }"],
  ["no YAML", "acme: { a: whsec_hidden"],
  ["an unknown field", `acme: { a: { secret: ${SECRET}, host: x } }`],
  ["no tenants", "[1]"],
])("a file with %s is a fault that quotes nothing of it", async (_, text) => {
  const error = await follow(text).then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  expect(error?.message).toMatch(/^STREAM_WEBHOOK_SECRETS_FILE: ./);
  expect(error?.message).not.toMatch(/AAAA|hidden|AQEB/);
});
