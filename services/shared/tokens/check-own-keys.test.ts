import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createKeyChecks } from "./check-own-keys.ts";

let server: ReturnType<typeof createServer>;
let answers: Record<string, (response: ServerResponse) => void>;
let asked: number;
let origin: string;
let time: number;

const ISSUER = "http://localhost:8081";
const json = (value: unknown) => (response: ServerResponse) => void response.end(JSON.stringify(value));

beforeEach(async () => {
  [asked, time] = [0, 0];
  answers = { "/.well-known/jwks.json": json({ keys: [{ kty: "EC" }] }) };
  server = createServer(({ url = "" }, response) => {
    asked += 1;
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

function checksOf(issuer = ISSUER, jwks = `${origin}/.well-known/jwks.json`) {
  return createKeyChecks({ AUTH_JWKS_URL: jwks, AUTH_ISSUER: issuer }, () => time);
}

test("nothing is wrong with a key set, whoever does not say beside it what it is called", async () => {
  const checks = checksOf();
  expect([await checks.keys_unusable?.(), await checks.issuer_differs?.()]).toEqual([undefined, undefined]);
});

describe("keys that cannot be used are told why:", () => {
  test("nobody answers", async () => {
    server.close();
    expect(await checksOf().keys_unusable?.()).toMatch(/^AUTH_JWKS_URL http\S+ cannot be had: .*ECONNREFUSED/);
  });

  test.each<[string, (response: ServerResponse) => void, RegExp]>([
    [
      "a page",
      (response) => void response.setHeader("content-type", "text/html").end("<html>"),
      /answers text\/html, which is no key set/,
    ],
    [
      "a redirect",
      (response) => void response.writeHead(302, { location: "https://login.example/" }).end(),
      /redirects \(302\) to https:\/\/login\.example\//,
    ],
    ["an error", (response) => void response.writeHead(503).end(), /answers 503/],
    ["no keys", json({ keys: [] }), /a key set without keys/],
    ["megabytes", (response) => void response.end("x".repeat(300_000)), /more than 262144 bytes/],
  ])("%s", async (_, answer, words) => {
    answers["/.well-known/jwks.json"] = answer;
    expect(await checksOf().keys_unusable?.()).toMatch(words);
  });
});

test("keys that were had serve for five minutes more", async () => {
  const checks = checksOf();
  expect(await checks.keys_unusable?.()).toBeUndefined();
  answers["/.well-known/jwks.json"] = (response) => void response.writeHead(503).end();
  time = 299_999;
  expect(await checks.keys_unusable?.()).toBeUndefined();
  time = 300_000;
  expect(await checks.keys_unusable?.()).toMatch(/answers 503/);
  answers["/.well-known/jwks.json"] = json({ keys: [1] });
  expect(await checks.keys_unusable?.()).toBeUndefined();
});

test("a good answer is asked for again after half a minute, a bad one at once", async () => {
  const checks = checksOf();
  for (const at of [0, 1_000, 29_999]) {
    time = at;
    await checks.keys_unusable?.();
  }
  expect(asked).toBe(2);
  time = 30_000;
  await checks.keys_unusable?.();
  expect(asked).toBe(4);
});

describe("an issuer that calls itself otherwise is told with what differs:", () => {
  test.each([
    ["http://localhost:8081/", /here it ends with a slash/],
    ["http://LOCALHOST:8081", /upper and lower case/],
    ["https://localhost:8081", /they differ in protocol\./],
    ["http://localhost:8082", /they differ in port\./],
    ["http://auth.example/x", /they differ in hostname, port, pathname\./],
    ["sluice", /one of them is no URL/],
  ])("%s", async (issuer, words) => {
    answers["/.well-known/oauth-authorization-server"] = json({ issuer: ISSUER });
    const fault = await checksOf(issuer).issuer_differs?.();
    expect(fault).toMatch(words);
    expect(fault).toContain(`AUTH_ISSUER is "${issuer}" here, and auth calls itself "${ISSUER}"`);
    expect(await checksOf(ISSUER).issuer_differs?.()).toBeUndefined();
  });
});
