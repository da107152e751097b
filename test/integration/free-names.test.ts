import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { encodeName } from "#shared/protocol/encode-name.ts";
import { type EventStream, openEventStream } from "#test/support/event-stream.ts";
import { DEMO_PASSWORD, DEMO_USERS_FILE } from "#test/support/start-auth.ts";
import { type Issuer, startIssuer } from "#test/support/start-issuer.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";

const OUTSIDE = "https://login.example.com";
const JANE = "jane.doe@acme.example";
/** The same to the eye: the `a` of `acme` is Cyrillic. */
const LOOK_ALIKE = "jane.doe@\u0430cme.example";
/** A person with the name by which bindings call a group. */
const GROUP_LIKE = "group:/ops/on call";
const MANY_GROUPS = Array.from({ length: 200 }, (_, index) => `CN=Department ${index},OU=Groups,DC=acme,DC=example`);

const POLICY = {
  tenant: "demo",
  roles: {
    "Orders.Read All": { allow: ["order:read@order.*.{sub}"] },
    "On call, at night": { allow: ["incident:read"] },
    reader: { allow: ["order:read", "incident:read"] },
    admin: { allow: ["session:admin", "order:read"] },
  },
  bindings: [
    { role: "On call, at night", subjects: ["group:/ops/on call", `subject:${GROUP_LIKE}x`] },
    { role: "reader", subjects: [`group:${MANY_GROUPS.at(-1)}`] },
    { role: "admin", subjects: ["system:serviceaccount:ops:admin"] },
  ],
  trust: [{ issuer: OUTSIDE, groups: true }],
  events: { "order.*": "order:read", "incident.*": "incident:read" },
};

let folder: string;
let issuer: Issuer;
let stack: Stack;
let bus: Bus;
/** An auth that knows where policy is. */
let auth: RunningService;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-names-"));
  issuer = await startIssuer("RS256");
  const password = /password: "(.+)"/.exec(await readFile(DEMO_USERS_FILE, "utf8"))?.[1];
  const users = [
    { username: JANE, groups: ["/ops/on call"], roles: ["Orders.Read All"] },
    { username: GROUP_LIKE },
    { username: "system:serviceaccount:ops:admin" },
    { username: "Zoë", groups: MANY_GROUPS },
  ].map((user) => ({ tenant: "demo", password, ...user }));
  const entry = { issuer: OUTSIDE, jwks_uri: issuer.jwksUri, audience: "api", tenant: "demo", algorithms: ["RS256"] };
  await writeFile(join(folder, "users.yaml"), JSON.stringify(users));
  await writeFile(join(folder, "issuers.json"), JSON.stringify([{ ...entry, claims: { groups: "groups" } }]));
  const policies = await mkdtemp(join(folder, "policies-"));
  await writeFile(join(policies, "demo.yaml"), JSON.stringify(POLICY));
  stack = await startStack({
    auth: { AUTH_USERS_FILE: join(folder, "users.yaml") },
    policy: { POLICY_DOCUMENTS_DIR: policies },
    stream: { AUTH_ISSUERS_FILE: join(folder, "issuers.json") },
  });
  auth = await stack.startAuth({ POLICY_GRPC_URL: `127.0.0.1:${stack.policy.ports.grpc}` });
  bus = await stack.bus("demo");
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function open(token: string, ...topics: string[]): Promise<EventStream> {
  const query = new URLSearchParams(topics.map((topic): [string, string] => ["topic", topic]));
  return openEventStream(`${stack.streamUrl}/v1/stream?${query.toString()}`, { token });
}

async function askAuth(token: string, method: string, path: string): Promise<{ status: number; body: unknown }> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${auth.ports.http}/v1/auth${path}`, { method, headers });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

test("a person named by a mail address receives the events that carry her token, and no look-alike's", async () => {
  const { access_token: token } = await stack.login(JANE);
  await using all = await open(token, "order.>");
  await using own = await open(token, `order.created.${encodeName(JANE)}`);
  expect(JSON.parse((await all.frame("ready")).data)).toMatchObject({ subject: JANE });
  await own.frame("ready");
  const others = [LOOK_ALIKE, JANE.toUpperCase(), encodeName(JANE), `${JANE}.`, "jane", "*"];
  for (const name of others) await bus.publish(`events.demo.order.created.${encodeName(name)}`, name);
  // Other spellings of her token are no tokens: nobody is shown such an event.
  for (const token_ of ["jane%2edoe%40acme%2eexample", "%6Aane%2Edoe%40acme%2Eexample"]) {
    await bus.publish(`events.demo.order.created.${token_}`, "another spelling");
  }
  await bus.publish(`events.demo.order.created.${encodeName(JANE)}`, "hers");
  expect(await all.receive(1)).toEqual(["hers"]);
  expect(await own.receive(1)).toEqual(["hers"]);
  const refused = await open(token, "order.created.jane%2edoe%40acme%2eexample");
  expect(refused.status).toBe(400);
  await refused[Symbol.asyncDispose]();
});

test("a role bound to a group with spaces and slashes is not had by the person who is named like the binding", async () => {
  const [jane, other] = [await stack.login(JANE), await stack.login(GROUP_LIKE)];
  await using incidents = await open(jane.access_token, "incident.>");
  await incidents.frame("ready");
  await bus.publish("events.demo.incident.opened", "fire");
  expect(await incidents.receive(1)).toEqual(["fire"]);
  await using refused = await open(other.access_token, "incident.>");
  expect(refused.status).toBe(403);
});

test("a binding over HTTP replaces the document's for a subject of any name, until it is deleted", async () => {
  await using stream = await open((await stack.login(JANE)).access_token, "incident.>", "order.>");
  const initial = JSON.parse((await stream.frame("ready")).data) as object;
  expect(initial).toMatchObject({ topics: [{ granted: true }, { granted: true }] });
  for (const name of [JANE, GROUP_LIKE, "/ops/100% on call", "a.b", "%2F", "山田", "a+b c?d#e"]) {
    const path = `demo/subjects/${encodeURIComponent(name)}`;
    expect(await stack.operate("PUT", `${path}/roles`, { roles: ["reader"] })).toMatchObject({ status: 200 });
    const { body } = await stack.operate("GET", path);
    expect(body).toEqual({ subject: name, roles: ["reader"], source: "http" });
  }
  await bus.publish("events.demo.order.created.anybody", "by the binding");
  expect(await stream.receive(1)).toEqual(["by the binding"]);
  await using other = await open((await stack.login(GROUP_LIKE)).access_token, "incident.>");
  expect(other.status).toBe(200);
  for (const name of [JANE, GROUP_LIKE]) {
    await stack.carryOut("DELETE", `demo/subjects/${encodeURIComponent(name)}/roles`);
  }
  await bus.publish("events.demo.order.created.anybody", "not hers");
  await bus.publish(`events.demo.order.created.${encodeName(JANE)}`, "hers");
  expect(await stream.receive(2)).toEqual(["by the binding", "hers"]);
});

test("her sessions are listed and ended by whoever may, by her name", async () => {
  const [jane, admin] = [await stack.login(JANE), await stack.login("system:serviceaccount:ops:admin")];
  await using stream = await open(jane.access_token, "order.>");
  await stream.frame("ready");
  const path = `/sessions?subject=${encodeURIComponent(JANE)}`;
  const own = await askAuth(jane.access_token, "GET", "/sessions");
  const listed = await askAuth(admin.access_token, "GET", path);
  const ids = ({ body }: { body: unknown }): string[] =>
    (body as { sessions: { session_id: string }[] }).sessions.map(({ session_id }) => session_id).toSorted();
  expect(ids(own)).toContain(jane.session_id);
  expect(ids(listed)).toEqual(ids(own));
  expect((await askAuth(jane.access_token, "GET", "/sessions?subject=Zo%C3%AB")).status).toBe(403);
  expect((await askAuth(admin.access_token, "DELETE", `/sessions/${jane.session_id}`)).status).toBe(204);
  expect(JSON.parse((await stream.frame("auth_error")).data)).toEqual({ reason: "revoked" });
  expect(ids(await askAuth(admin.access_token, "GET", path))).not.toContain(jane.session_id);
});

test("groups that do not fit into a cookie are referred to, and count at the edge all the same", async () => {
  // As a keyboard of another make writes her name.
  const { access_token: token } = await stack.login("Zoe\u0308");
  expect(token.length).toBeLessThan(3_900);
  expect(decodeJwt(token)).toMatchObject({ sub: "Zoë", roles_by_reference: true });
  expect(decodeJwt(token)).not.toHaveProperty("groups");
  await using stream = await open(token, "incident.>");
  expect(JSON.parse((await stream.frame("ready")).data)).toMatchObject({ topics: [{ granted: true }] });
  const introspected = await fetch(`${stack.authUrl}/v1/auth/introspect`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa(`reporter:${DEMO_PASSWORD}`)}` },
    body: new URLSearchParams({ token }),
  });
  expect(await introspected.json()).toMatchObject({ active: true, sub: "Zoë", groups: MANY_GROUPS });
});

test("a token with 60 KB of groups opens a stream by the one that the tenant knows", async () => {
  const unknown = Array.from({ length: 900 }, (_, index) => `${MANY_GROUPS[0]}/${index}`);
  const groups = [...unknown, "", "a\nb", 7, MANY_GROUPS.at(-1)];
  const iat = Math.floor(Date.now() / 1_000);
  const token = await issuer.sign({ iss: OUTSIDE, aud: "api", sub: "auth0|64a", iat, exp: iat + 300, groups });
  expect(token.length).toBeGreaterThan(60_000);
  await using stream = await open(token, "incident.>");
  expect(stream.status).toBe(200);
  await stream.frame("ready");
  await bus.publish("events.demo.incident.closed", "over");
  expect(await stream.receive(1)).toEqual(["over"]);
});

test("the longest topic is delivered", async () => {
  const { access_token: token } = await stack.login("system:serviceaccount:ops:admin");
  await using stream = await open(token, "order.longest.>");
  await stream.frame("ready");
  const topic = `order.longest.${"%F0%9F%98%80".repeat(64)}.${"x".repeat(768)}.${"y".repeat(768)}.`;
  await bus.publish(`events.demo.${topic}${"z".repeat(3_072 - topic.length)}`, "long");
  expect(await stream.receive(1)).toEqual(["long"]);
});
