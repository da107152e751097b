import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { freeze, thaw } from "#test/support/freeze.ts";
import { type Issuer, startIssuer } from "#test/support/start-issuer.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";
import { makeDemoToken } from "../../scripts/token/make-token.ts";

let folder: string;
let issuer: Issuer;
let stack: Stack;
let edge: RunningService;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-issuers-"));
  issuer = await startIssuer("RS256");
  stack = await startStack();
  const file = join(folder, "issuers.yaml");
  const entry = { issuer: "https://login.example.com", jwks_uri: issuer.jwksUri, audience: "api", tenant: "demo" };
  await writeFile(file, JSON.stringify([{ ...entry, algorithms: ["RS256"], claims: { groups: "groups" } }]));
  // Auth is nowhere: nobody needs it for these tokens.
  edge = await stack.startEdge({ AUTH_ISSUERS_FILE: file, AUTH_GRPC_URL: "127.0.0.1:1", STREAM_HANDSHAKE_MS: "5000" });
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function sign(subject: string, seconds: number): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000);
  return issuer.sign({ iss: "https://login.example.com", aud: "api", sub: subject, iat, exp: iat + seconds });
}

async function open(subject: string, seconds: number) {
  const token = await sign(subject, seconds);
  return openEventStream(`http://127.0.0.1:${edge.ports.http}/v1/stream?topic=issues.>`, { token });
}

test("a person of an outside issuer gets what the policy binds to them, until the token's exp and no longer", async () => {
  await using stream = await open("bob", 8);
  expect(JSON.parse((await stream.frame("ready")).data)).toMatchObject({ tenant: "demo", subject: "bob" });
  const bus = await stack.bus("demo");
  await bus.publish("events.demo.issues.opened.k", "one");
  expect(await stream.receive(1)).toEqual(["one"]);
  expect(JSON.parse((await stream.frame("auth_error")).data)).toEqual({ reason: "expired" });
  await stream.closed();
  expect(stream.frames.some(({ event }) => event === "session")).toBe(false);
});

test("an edge that stood still across the exp delivers nothing of what came meanwhile", async () => {
  await using stream = await open("bob", 8);
  const { expiresAt } = JSON.parse((await stream.frame("ready")).data) as { expiresAt: string };
  const bus = await stack.bus("demo");
  await bus.publish("events.demo.issues.opened.k", "in time");
  await stream.receive(1);
  await freeze(edge.child.process);
  await bus.publish("events.demo.issues.opened.k", "too late");
  await waitFor("the token is over", () => Date.now() > Date.parse(expiresAt) + 2_000);
  thaw(edge.child.process);
  await stream.closed();
  expect(stream.events()).toEqual(["in time"]);
  await using next = await open("bob", 60);
  await next.frame("ready");
});

test("a role taken by the policy cuts them as it does everybody", async () => {
  await using stream = await open("bob", 60);
  await stream.frame("ready");
  await stack.setRoles("bob", []);
  await stream.frame("subscription");
  const bus = await stack.bus("demo");
  await bus.publish("events.demo.issues.opened.k", "secret");
  await stack.setRoles("bob", ["maintainer"]);
  await bus.publish("events.demo.issues.opened.k", "two");
  expect(await stream.receive(1)).toEqual(["two"]);
});

test("in a cookie it is left to expire: a refresh token of ours beside it may be another person's", async () => {
  const both = await stack.startEdge({ AUTH_ISSUERS_FILE: join(folder, "issuers.yaml") });
  const { refresh_token } = await stack.login("carol");
  const openWith = (token: string) =>
    openEventStream(`http://127.0.0.1:${both.ports.http}/v1/stream?topic=issues.>`, {
      headers: { cookie: `auth_token=${token}; refresh_token=${refresh_token}` },
    });
  // Nearer to its end than clocks may differ.
  await using ending = await openWith(await sign("bob", 4));
  expect(JSON.parse((await ending.frame("ready")).data)).toMatchObject({ subject: "bob" });
  await using over = await openWith(await sign("bob", -60));
  expect(over.status).toBe(401);
  for (const { headers } of [ending, over]) expect(headers).not.toHaveProperty("set-cookie");
});

test("a token that sluice made is of its person in the demo, and of nobody elsewhere", async () => {
  const demoEdge = await stack.startEdge({ AUTH_ISSUERS_FILE: "infra/demo/issuers.yaml" });
  const token = await makeDemoToken({ sub: "jane@acme.com", tenant: "demo", roles: ["triager"], groups: [] }, 60);
  const openAt = (each: RunningService) =>
    openEventStream(`http://127.0.0.1:${each.ports.http}/v1/stream?topic=issues.>`, { token });
  await using stream = await openAt(demoEdge);
  expect(JSON.parse((await stream.frame("ready")).data)).toMatchObject({ subject: "jane@acme.com" });
  await using refused = await openAt(edge);
  expect(refused.status).toBe(401);
});

test("a person nothing is bound to is refused, and the tokens of auth wait as they do without it", async () => {
  await using nobody = await open("nobody", 60);
  expect(nobody.status).toBe(403);
  const { access_token: token } = await stack.login("bob");
  const url = `http://127.0.0.1:${edge.ports.http}/v1/stream?topic=issues.>`;
  await using ours = await openEventStream(url, { token });
  await ours.frame("busy");
});
