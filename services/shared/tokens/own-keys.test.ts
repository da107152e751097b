import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { fetchJson } from "./http/fetch-json.ts";
import { keyAddressesSchema } from "./key-addresses.ts";
import { ownKeys } from "./own-keys.ts";

let key: JWK;
let server: ReturnType<typeof createServer>;
let answers: Record<string, (response: ServerResponse) => void>;
let origin: string;

const ISSUER = "http://localhost:8081";
const KEYS = "/.well-known/jwks.json";
const METADATA = "/.well-known/oauth-authorization-server";
const json = (value: unknown) => (response: ServerResponse) => void response.end(JSON.stringify(value));

beforeAll(async () => {
  const { publicKey } = await generateKeyPair("ES256", { extractable: true });
  key = { ...(await exportJWK(publicKey)), kid: "k", alg: "ES256" };
});
beforeEach(async () => {
  answers = { [KEYS]: json({ keys: [key] }) };
  server = createServer(({ url = "" }, response) => {
    const answer = answers[url];
    if (answer === undefined) response.writeHead(404).end();
    else answer(response);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

function checksOf(issuer = ISSUER) {
  const config = { AUTH_JWKS_URL: `${origin}${KEYS}`, AUTH_ISSUER: issuer, AUTH_AUDIENCE: "sluice", issuerSecrets: {} };
  return ownKeys(config, fetchJson, createLogger("test", "silent")).checks;
}

async function look(issuer = ISSUER): Promise<(string | undefined)[]> {
  const checks = checksOf(issuer);
  return [await checks.keys_unusable(), await checks.issuer_differs()];
}

test("nothing is wrong with a key set, whoever does not say beside it what it is called", async () => {
  expect(await look()).toEqual([undefined, undefined]);
});

test("of several addresses the first that answers counts, whichever of the regions serves", async () => {
  const config = { AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: "sluice", issuerSecrets: {} };
  const open = (urls: string) =>
    ownKeys({ ...config, AUTH_JWKS_URL: urls }, fetchJson, createLogger("test", "silent")).checks.keys_unusable();
  expect(await open(`${origin}/standby${KEYS},${origin}${KEYS}`)).toBeUndefined();
  answers = {};
  expect(await open(`${origin}/a${KEYS},${origin}/b${KEYS}`)).toContain("404");
});

test("a password in the address is no part of the reason", async () => {
  const AUTH_JWKS_URL = `http://reader:s3cret@127.0.0.1:1${KEYS}`;
  const config = { AUTH_JWKS_URL, AUTH_ISSUER: ISSUER, AUTH_AUDIENCE: "sluice", issuerSecrets: {} };
  const reason = await ownKeys(config, fetchJson, createLogger("test", "silent")).checks.keys_unusable();
  expect(reason).toBe(`AUTH_JWKS_URL http://***@127.0.0.1:1${KEYS}: the connection is refused`);
});

test.each(["ftp://a.test/keys", "a.test", "https://a.test/keys,", "https://a.test/keys,b.test", ""])(
  "%j is no address of keys",
  (text) => expect(keyAddressesSchema.safeParse(text).success).toBe(false),
);

describe("keys that cannot be used are told why:", () => {
  test.each<[string, (response: ServerResponse) => void, RegExp]>([
    [
      "a page",
      (response) => void response.setHeader("content-type", "text/html").end("<html>"),
      /HTML instead of JSON/,
    ],
    [
      "a redirect",
      (response) => void response.writeHead(302, { location: "https://login.example/" }).end(),
      /a redirect \(302\)/,
    ],
    ["an error", (response) => void response.writeHead(503).end(), /503/],
    ["no keys", json({ keys: [] }), /no key that can be used/],
    ["megabytes", (response) => void response.end("x".repeat(300_000)), /bytes/],
  ])("%s", async (_, answer, words) => {
    answers[KEYS] = answer;
    const [fault] = await look();
    expect(fault).toMatch(words);
    expect(fault).toContain(`AUTH_JWKS_URL ${origin}`);
  });

  test("nobody answers", async () => {
    server.close();
    expect((await look())[0]).toMatch(/refused/i);
  });
});

test.each([
  [`${ISSUER}/`, "there it ends with a slash"],
  ["HTTP://localhost:8081", "upper and lower case differ"],
  ["https://localhost:8081", "they differ in protocol"],
  ["http://auth:8081", "they differ in hostname"],
])("keys of the issuer %s are told with the difference: %s", async (named, words) => {
  answers[METADATA] = json({ issuer: named });
  const [keys, issuer] = await look();
  expect(keys).toBeUndefined();
  expect(issuer).toContain(words);
});

test("a name that was mended is seen at the next look", async () => {
  answers[METADATA] = json({ issuer: `${ISSUER}/` });
  const checks = checksOf();
  await checks.keys_unusable();
  expect(await checks.issuer_differs()).toBeDefined();
  answers[METADATA] = json({ issuer: ISSUER });
  expect(await checks.issuer_differs()).toBeUndefined();
});
