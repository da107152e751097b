import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readHomesFile } from "./homes-file.ts";

const EU = {
  name: "eu",
  natsUrl: "nats://stream-eu:secret@127.0.0.1:4222",
  auth: "a.eu:7001,a.us:7001",
  policy: "p.eu:7002",
  issuer: "https://auth.eu.test",
  jwksUrl: "https://auth.eu.test/jwks.json",
};

let folder: string;

beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "sluice-homes-file-"))));
afterAll(() => rm(folder, { recursive: true }));

async function read(content: unknown, ownIssuer = "https://own.test") {
  const path = join(folder, "homes.yaml");
  await writeFile(path, typeof content === "string" ? content : JSON.stringify(content));
  return readHomesFile(path, ownIssuer);
}

test("a home's entries stand for the settings of a service, its paths seen from the file's folder", async () => {
  expect(await read([{ ...EU, issuersFile: "issuers.yaml" }])).toMatchObject([
    {
      name: "eu",
      schemasDir: undefined,
      settings: {
        NATS_URL: { user: "stream-eu" },
        AUTH_GRPC_URL: "servers:a.eu:7001,a.us:7001",
        POLICY_GRPC_URL: "p.eu:7002",
        AUTH_ISSUER: EU.issuer,
        AUTH_ISSUERS_FILE: join(folder, "issuers.yaml"),
      },
    },
  ]);
  expect(await readHomesFile(undefined, "https://own.test")).toEqual([]);
});

test.each([
  ["two homes of one name", [EU, { ...EU, issuer: "https://other.test" }], /two homes have the name eu/],
  ["two homes of one issuer", [EU, { ...EU, name: "us" }], /two homes have the issuer/],
  ["a key that is none", [{ ...EU, nats: "x" }], /nats/],
  ["an address without a port", [{ ...EU, auth: "a.eu" }], /0\.auth: must be host:port/],
  ["no list", EU, /the file: /],
])("%s: refused", async (_, content, message) => {
  await expect(read(content)).rejects.toThrow(message);
});

test("the own issuer as a home's is refused, and no refusal shows a password", async () => {
  await expect(read([EU], EU.issuer)).rejects.toThrow(/this service's own/);
  const broken = await read("- natsUrl: nats://stream-eu:secret@h:4222\n  - x: {").catch(
    (error: Error) => error.message,
  );
  expect(broken).not.toContain("secret");
});
