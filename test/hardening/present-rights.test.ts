import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthorizationClient, type CheckResponse } from "#proto/envoy/service/auth/v3/external_auth.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import { hashPassword } from "../../services/auth/users/password-hash.ts";
import { readSessionEntries } from "#test/support/start-auth.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

let stack: Stack;
let directory: string;
let gateway: AuthorizationClient;
let writeUsers: (held: string) => Promise<void>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "sluice-users-"));
  const path = join(directory, "users.yaml");
  const hash = await hashPassword("sluice-demo");
  const names = ["eve", "frank", "gina"];
  writeUsers = (held) =>
    writeFile(
      path,
      names.map((name) => `- { tenant: demo, username: ${name}, password: "${hash}", ${held} }\n`).join(""),
    );
  await writeUsers("groups: []");
  stack = await startStack({ auth: { AUTH_USERS_FILE: path } });
  gateway = new AuthorizationClient(`127.0.0.1:${stack.policy.ports.grpc}`, credentials.createInsecure());
});
afterAll(async () => {
  gateway.close();
  await stack[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

/** Changes the users' file, and waits until auth has announced it in the tenant's log. */
async function hold(held: string): Promise<void> {
  const before = (await readSessionEntries(stack.nats, "demo")).length;
  await writeUsers(held);
  const isAnnounced = async () => (await readSessionEntries(stack.nats, "demo")).length >= before + 3;
  await waitFor("the change is announced", isAnnounced);
}

/** What the gateway says to a request with this token. */
async function atGateway(token: string): Promise<number> {
  const http = { method: "GET", path: "/repos/x/pulls", host: "h", headers: { authorization: `Bearer ${token}` } };
  const check = gateway.check.bind(gateway);
  const { httpResponse }: CheckResponse = await callUnary(
    check,
    { attributes: { request: { http } } },
    { timeoutMs: 30_000 },
  );
  return httpResponse?.$case === "deniedResponse" ? (httpResponse.value.status?.code ?? 0) : 200;
}

async function atPolicy(token: string, method = "GET", path = "policy", body?: object): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  return (await fetch(`${stack.policyUrl}/v1/tenants/demo/${path}`, { method, headers, ...sent })).status;
}

describe("a person from whom a right was taken away", () => {
  test("has it nowhere once that is announced, whatever their token says, and cannot bind it back", async () => {
    await hold("groups: [security], roles: [security]");
    const { access_token: token } = await stack.login("eve");
    expect([await atPolicy(token), await atGateway(token)]).toEqual([200, 200]);
    await hold("groups: []");
    expect([await atPolicy(token), await atGateway(token)]).toEqual([403, 403]);
    expect(await atPolicy(token, "PUT", "subjects/eve/roles", { roles: ["security"] })).toBe(403);
    await hold("groups: [], roles: [security]");
    expect([await atPolicy(token), await atGateway(token)]).toEqual([200, 200]);
  });

  test("whose session has ended gets in nowhere", async () => {
    const { access_token: token } = await stack.login("frank");
    expect(await atPolicy(token)).toBe(200);
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${stack.authUrl}/v1/auth/logout`, { method: "POST", headers })).status).toBe(204);
    expect([await atPolicy(token), await atGateway(token)]).toEqual([401, 401]);
  });

  test("is not believed while auth cannot be asked; the operator needs no auth", async () => {
    const { access_token: token } = await stack.login("gina");
    expect(await atPolicy(token)).toBe(200);
    await stack.auth.child.end("SIGKILL");
    expect([await atPolicy(token), await atGateway(token)]).toEqual([503, 503]);
    expect((await stack.operate("GET", "demo")).status).toBe(200);
  });
});
