import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clientKeeper, clientToken, type KeepClients, type ShownSecret } from "#test/support/client-keeper.ts";
import { freePort } from "#test/support/ports.ts";
import { type Publish, publisherAt } from "#test/support/publisher.ts";
import { readAudit } from "#test/support/start-auth.ts";
import { OPERATOR_TOKEN, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

let stack: Stack;
let publish: Publish;
let carol: KeepClients;
let operator: KeepClients;

beforeAll(async () => {
  const grpc = String(await freePort());
  stack = await startStack({
    auth: { POLICY_GRPC_URL: `127.0.0.1:${grpc}`, POLICY_OPERATOR_TOKEN: OPERATOR_TOKEN },
    policy: { POLICY_GRPC_PORT: grpc },
  });
  publish = publisherAt(await stack.startPublish());
  carol = clientKeeper(stack.authUrl, (await stack.login("carol")).access_token);
  operator = clientKeeper(stack.authUrl, OPERATOR_TOKEN);
});
afterAll(() => stack[Symbol.asyncDispose]());

const EVENT = { type: "issues.opened", key: "Hello-World", data: {} };

/** A client that policy lets do everything in its tenant. */
async function makeClient(keep: KeepClients, name: string): Promise<ShownSecret> {
  const { status, body } = await keep("POST", "", { name });
  expect(status).toBe(201);
  await stack.setRoles(body.client_id, ["security"]);
  return body;
}

const tokenFor = (secret: ShownSecret, scope?: string) => clientToken(stack.authUrl, secret, scope);

const find = async (id: string) => (await carol("GET")).body.clients.find(({ client_id }) => client_id === id);

test("a producer publishes while its secret is replaced, and none of its requests is refused", async () => {
  const first = await makeClient(carol, "orders");
  let [secret, held]: [ShownSecret, string] = [first, ""];
  const stop = new AbortController();
  const statuses: number[] = [];
  const produce = async (): Promise<void> => {
    let token = "";
    while (!stop.signal.aborted) {
      const mine = secret;
      if (token === "" || held !== mine.client_secret) ({ token } = await tokenFor(mine));
      held = mine.client_secret;
      statuses.push((await publish(token, EVENT)).status);
    }
  };
  const moreAreStored = async (): Promise<void> => {
    const before = statuses.length;
    await waitFor("the producer goes on", () => statuses.length > before + 2);
  };
  const producing = produce();
  await moreAreStored();
  const { body: second } = await carol("POST", `/${first.client_id}/secrets`);
  await moreAreStored();
  secret = second;
  await waitFor("the producer has a token by the new secret", () => held === second.client_secret);
  await moreAreStored();
  expect((await carol("DELETE", `/${first.client_id}/secrets/1`)).status).toBe(204);
  await moreAreStored();
  stop.abort();
  await producing;
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(await tokenFor(first)).toMatchObject({ status: 401, error: "invalid_client" });
  expect(await tokenFor({ ...first, client_secret: `2.${first.client_secret.slice(2)}` })).toMatchObject({
    status: 401,
  });
  const secrets = (await find(first.client_id))?.secrets;
  expect(secrets).toEqual([expect.objectContaining({ number: 2, last_used_at: expect.stringMatching(/^20/) })]);
});

describe("what a key may do", () => {
  test("is to publish, whatever policy gives it: it reads nothing, introspects nobody, and makes no keys", async () => {
    const made = await makeClient(carol, "narrow");
    const { token, scope } = await tokenFor(made);
    expect(scope).toBe("*:publish");
    expect((await publish(token, EVENT)).status).toBe(200);
    const reading = await fetch(`${stack.streamUrl}/v1/stream?topic=issues.>`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(reading.status).toBe(403);
    expect((await clientKeeper(stack.authUrl, token)("GET")).status).toBe(403);
    expect(await tokenFor(made, "issues:read")).toMatchObject({ status: 400, error: "invalid_scope" });
    expect(await tokenFor(made, "issues:publish@issues.*.a")).toMatchObject({ status: 200 });
    const { access_token: alice } = await stack.login("alice");
    const basic = Buffer.from(`${made.client_id}:${made.client_secret}`).toString("base64");
    const introspected = await fetch(`${stack.authUrl}/v1/auth/introspect`, {
      method: "POST",
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ token: alice }),
    });
    expect(introspected.status).toBe(403);
  });

  test("is nothing before policy says so", async () => {
    const { body: made } = await carol("POST", "", { name: "nothing" });
    const { token } = await tokenFor(made);
    expect((await publish(token, EVENT)).status).toBe(403);
  });
});

test("a key that is withdrawn gets no tokens, and the one that it has is over", async () => {
  const made = await makeClient(operator, "leaked");
  const { token } = await tokenFor(made);
  expect((await publish(token, EVENT)).status).toBe(200);
  expect((await operator("DELETE", `/${made.client_id}`)).status).toBe(204);
  expect((await publish(token, EVENT)).body).toMatchObject({ code: "session_ended" });
  expect((await tokenFor(made)).status).toBe(401);
  expect(await find(made.client_id)).toBeUndefined();
  expect((await operator("DELETE", `/${made.client_id}`)).status).toBe(404);
  const audited = async () => {
    const entries = (await readAudit(stack.nats, "demo")).filter(({ subject }) => subject === made.client_id);
    return entries.map(({ event, by }) => `${event} ${by ?? ""}`.trim());
  };
  await expect
    .poll(audited)
    .toEqual(["client_made operator", "client_token", "revoked operator", "client_withdrawn operator"]);
});

test("a secret that is withdrawn ends the tokens it was used for, and no others", async () => {
  const first = await makeClient(carol, "two");
  const { body: second } = await carol("POST", `/${first.client_id}/secrets`);
  const [old, fresh] = [await tokenFor(first), await tokenFor(second)];
  const withdraw = () => carol("DELETE", `/${first.client_id}/secrets/1`);
  expect((await withdraw()).status).toBe(204);
  expect((await publish(old.token, EVENT)).body).toMatchObject({ code: "session_ended" });
  expect((await publish(fresh.token, EVENT)).status).toBe(200);
  expect((await withdraw()).status).toBe(204);
  expect((await carol("DELETE", `/${first.client_id}/secrets/3`)).status).toBe(404);
});

describe("the keys of a tenant are kept by nobody else", () => {
  let made: ShownSecret;
  beforeAll(async () => {
    made = await makeClient(carol, "kept");
  });

  test.each([
    ["another tenant's administrator", "mallory", "rival"],
    ["a person without client:admin", "alice", "demo"],
  ])("%s", async (_who, name, tenant) => {
    const { access_token: token } = await stack.login(name, tenant);
    const keep = clientKeeper(stack.authUrl, token);
    const calls = [
      await keep("GET"),
      await keep("POST", "", { name: "x" }),
      await keep("POST", `/${made.client_id}/secrets`),
      await keep("DELETE", `/${made.client_id}/secrets/1`),
      await keep("DELETE", `/${made.client_id}`),
    ];
    expect(calls.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403]);
    expect((await tokenFor(made)).status).toBe(200);
    // Under its own tenant's name it finds nothing either.
    const own = clientKeeper(stack.authUrl, (await stack.login("mallory", "rival")).access_token, "rival");
    expect((await own("DELETE", `/${made.client_id}`)).status).toBe(404);
  });

  test("a token that is nobody's, and none at all", async () => {
    expect((await clientKeeper(stack.authUrl, "operator-token-of-the-test")("GET")).status).toBe(401);
    expect((await fetch(`${stack.authUrl}/v1/auth/tenants/demo/clients`)).status).toBe(401);
  });
});

test("the clients of the file are listed, and changed in the file alone", async () => {
  expect(await find("reporter")).toMatchObject({ from: "file", state: "active" });
  expect((await carol("POST", "/reporter/secrets")).status).toBe(404);
  expect((await carol("DELETE", "/reporter")).status).toBe(404);
});

test.each([
  ["no name", {}],
  ["a name with a dot", { name: "a.b" }],
  ["a name of 41 characters", { name: "x".repeat(41) }],
  ["a scope that is none", { name: "x", scope: "publish" }],
  ["roles", { name: "x", roles: ["security"] }],
])("a key with %s is not made", async (_what, body) => {
  expect((await carol("POST", "", body)).status).toBe(400);
});

test("a tenant that is not there, or is deleted, has no keys, and none is left of it", async () => {
  expect((await clientKeeper(stack.authUrl, OPERATOR_TOKEN, "nowhere")("POST", "", { name: "x" })).status).toBe(404);
  const there = clientKeeper(stack.authUrl, OPERATOR_TOKEN, "shortlived");
  expect((await stack.operate("PUT", "shortlived")).status).toBeLessThan(300);
  const { body: made } = await there("POST", "", { name: "orders" });
  expect((await tokenFor(made)).status).toBe(200);
  await stack.carryOut("DELETE", "shortlived?confirm=shortlived");
  await waitFor("auth has ended it", async () => (await tokenFor(made)).status === 401);
  expect((await there("GET")).status).toBe(404);
  // Nothing is left that could come back with the name.
  const manager = await (await stack.bus("auth")).manager();
  const entry = await manager.streams.getMessage("KV_sluice_clients", {
    last_by_subj: "$KV.sluice_clients.shortlived",
  });
  expect(entry?.header?.get("KV-Operation")).toBe("DEL");
});

test("a client in the bucket that cannot be read gets no tokens, hinders no other one, and can be withdrawn", async () => {
  const [made, broken] = [await makeClient(carol, "whole"), await makeClient(carol, "broken")];
  const bus = await stack.bus("auth");
  const entry = await (
    await bus.manager()
  ).streams.getMessage("KV_sluice_clients", {
    last_by_subj: "$KV.sluice_clients.demo",
  });
  const stored = entry?.json<{ clients: { id: string }[] }>().clients.map((client) => {
    return client.id === broken.client_id ? { id: client.id } : client;
  });
  await bus.js.publish("$KV.sluice_clients.demo", JSON.stringify({ clients: stored }));
  await waitFor("auth has read it", async () => (await tokenFor(broken)).status === 401);
  expect(await find(broken.client_id)).toMatchObject({ state: "unreadable" });
  const { token } = await tokenFor(made);
  expect((await publish(token, EVENT)).status).toBe(200);
  expect((await carol("POST", "", { name: "x" })).status).toBe(201);
  expect(await find(broken.client_id)).toMatchObject({ state: "unreadable" });
  expect((await carol("DELETE", `/${broken.client_id}`)).status).toBe(204);
  expect(await find(broken.client_id)).toBeUndefined();
  expect((await tokenFor(made)).status).toBe(200);
});
