import { once } from "node:events";
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { AppError } from "#shared/errors/app-error.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { type Issuer, startIssuer } from "#test/support/start-issuer.ts";
import { createTestCertificates } from "#test/support/tls.ts";
import { waitFor } from "#test/support/wait.ts";
import { openTokenVerifier } from "./token-verifier.ts";

let folder: string;
let path: string;
let issuer: Issuer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-issuers-"));
  path = join(folder, "issuers.yaml");
  issuer = await startIssuer();
});
beforeEach(() => write([entry()]));
afterAll(async () => {
  await issuer[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function entry(change: object = {}): object {
  return { issuer: "idp", jwks_uri: issuer.jwksUri, audience: "api", tenant: "acme", ...change };
}

async function write(content: unknown): Promise<void> {
  await writeFile(`${path}.next`, typeof content === "string" ? content : JSON.stringify(content));
  await rename(`${path}.next`, path);
}

async function open(config: object = {}) {
  const lines: { readonly level: string; readonly message: string; readonly facts: object }[] = [];
  const at = (level: string) => (facts: object, message: string) => void lines.push({ level, message, facts });
  const registry = new Registry();
  const verifications: boolean[] = [];
  const verifier = await openTokenVerifier(
    {
      AUTH_ISSUER: "auth",
      AUTH_AUDIENCE: "sluice",
      AUTH_JWKS_URL: issuer.jwksUri,
      AUTH_ISSUERS_FILE: path,
      issuerSecrets: {},
      ...config,
    },
    {
      withdrawn: new Set(),
      time: { authTime: { isKnown: true, now: Date.now }, askTime: async () => undefined },
      log: { info: at("info"), warn: at("warn"), error: at("error") } as unknown as Logger,
      registry,
      watchEveryMs: 20,
      onVerified: (cached) => void verifications.push(cached),
    },
  );
  const tenantOf = async (token: string): Promise<string> =>
    verifier.verify(token).then(
      (claims) => claims.tenant_id,
      ({ code }: AppError) => code,
    );
  return { verifier, lines, registry, verifications, tenantOf, [Symbol.dispose]: () => verifier[Symbol.dispose]() };
}

function sign(): Promise<string> {
  return issuer.sign({ iss: "idp", aud: "api", sub: "dana", exp: Math.floor(Date.now() / 1_000) + 600 });
}

test("an entry that changes counts for the next request, also of a token that was verified by the old one", async () => {
  using opened = await open();
  const token = await sign();
  expect([await opened.tenantOf(token), await opened.tenantOf(token)]).toEqual(["acme", "acme"]);
  expect(opened.verifications).toEqual([false, true]);
  await write([entry({ tenant: "globex" })]);
  await waitFor("the file is in force", async () => (await opened.tenantOf(token)) === "globex");
  await write([]);
  await waitFor("the entry is gone", async () => (await opened.tenantOf(token)) === "token_invalid");
  expect(opened.verifier.isOutside(token)).toBe(false);
});

test("a file that is written again as it was leaves verdicts and keys as they are", async () => {
  using opened = await open({ AUTH_JWKS_URL: "http://127.0.0.1:1/own" });
  const token = await sign();
  await opened.tenantOf(token);
  const before = issuer.fetches();
  const readings = () => opened.lines.filter(({ message }) => message.includes("is in force")).length;
  await waitFor("the file is read once more", () => readings() === 1);
  await write([entry()]);
  await waitFor("the file is read again", () => readings() === 2);
  await opened.tenantOf(token);
  expect([opened.verifications, issuer.fetches()]).toEqual([[false, true], before]);
});

test("a broken file leaves the last good one in force, and is told and counted", async () => {
  using opened = await open();
  const token = await sign();
  await write("- { issuer: idp, audience: [] }");
  await waitFor("the fault is told", () => opened.lines.some(({ level }) => level === "error"));
  expect(opened.lines.find(({ level }) => level === "error")).toMatchObject({
    message: "the issuers' file cannot be used; the last good one is in force",
    facts: { file: path, reason: expect.stringContaining("0.audience") },
  });
  expect(await opened.registry.metrics()).toContain("sluice_issuers_file_rejected_total 1");
  expect(await opened.tenantOf(token)).toBe("acme");
});

test("keys that cannot be had are told once, whoever's they are, with the reason", async () => {
  await write([entry({ jwks_uri: "http://127.0.0.1:1/keys" })]);
  using opened = await open({ AUTH_JWKS_URL: "http://127.0.0.1:1/own" });
  await waitFor("both are told", () => opened.lines.filter(({ level }) => level === "warn").length === 2);
  for (let request = 0; request < 3; request += 1) expect(await opened.tenantOf(await sign())).toBe("unavailable");
  expect(opened.lines.filter(({ level }) => level === "warn").map(({ facts }) => facts)).toEqual([
    expect.objectContaining({ issuer: "auth", url: "http://127.0.0.1:1/own" }),
    expect.objectContaining({ issuer: "idp", url: "http://127.0.0.1:1/keys" }),
  ]);
  const fault = "AUTH_JWKS_URL http://127.0.0.1:1/own: the connection is refused";
  expect(await opened.verifier.checks.keys_unusable()).toBe(fault);
});

test("an issuer behind a certificate of a private authority needs its address, and the authority's file", async () => {
  await using certificates = await createTestCertificates();
  const { GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE, GRPC_TLS_CA_FILE } = await certificates.issue("idp", {
    dnsName: "localhost",
  });
  const [cert, key] = await Promise.all([readFile(GRPC_TLS_CERT_FILE), readFile(GRPC_TLS_KEY_FILE)]);
  const asked: string[] = [];
  const server = createServer({ cert, key }, ({ url = "" }, response) => {
    asked.push(url);
    response.end(
      JSON.stringify(url === "/keys" ? { keys: [issuer.jwk] } : { issuer: origin, jwks_uri: `${origin}/keys` }),
    );
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  await write([{ issuer: origin, ca_file: GRPC_TLS_CA_FILE, audience: "api", tenant: "acme" }]);
  {
    using opened = await open();
    const token = await issuer.sign({
      iss: origin,
      aud: "api",
      sub: "dana",
      exp: Math.floor(Date.now() / 1_000) + 600,
    });
    expect(await opened.tenantOf(token)).toBe("acme");
    expect(asked).toEqual(["/.well-known/openid-configuration", "/keys"]);
    await write([{ issuer: origin, audience: "api", tenant: "acme" }]);
    await waitFor("the authority is gone", async () => (await opened.tenantOf(token)) === "unavailable");
    expect(opened.lines.some(({ message }) => message.includes("TLS: unknown authority"))).toBe(true);
  }
  server.closeAllConnections();
  server.close();
});

test("an entry's keys may come from a file", async () => {
  await writeFile(join(folder, "keys.json"), JSON.stringify({ keys: [issuer.jwk] }));
  await write([entry({ jwks_uri: undefined, jwks_file: "keys.json" })]);
  using opened = await open();
  const token = await sign();
  expect(await opened.tenantOf(token)).toBe("acme");
  await writeFile(join(folder, "keys.json"), JSON.stringify({ keys: [] }));
  await waitFor("the key is gone", async () => (await opened.tenantOf(token)) === "token_invalid");
});
