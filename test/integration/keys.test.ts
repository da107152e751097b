import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { remoteKeys } from "#shared/tokens/remote-keys.ts";
import { verifyAccessToken } from "#shared/tokens/verify-access-token.ts";
import { openEventStream } from "#test/support/event-stream.ts";
import { type Login, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/sluice.ts", import.meta.url));
/** Verifiers look again for a key they do not know after 10 s: the shortest time that refuses nobody. */
const SHORT_LIFE = { AUTH_KEY_PUBLISH_SECONDS: "12" };
const EXPECTED = { issuer: "http://localhost:8081", audience: "sluice" };

let stack: Stack;
/** Two auth processes. */
let auths: readonly string[];

beforeAll(async () => {
  stack = await startStack({ auth: SHORT_LIFE });
  const other = await stack.startAuth();
  auths = [stack.authUrl, `http://127.0.0.1:${other.ports.http}`];
});
afterAll(() => stack[Symbol.asyncDispose]());

test("a rotation by command refuses no token, at any verifier, whichever process issued it", async () => {
  const verifiers = auths.map((url) => remoteKeys(`${url}/.well-known/jwks.json`));
  const first = await stack.login("carol");
  const old = kidOf(first);
  let [login, issued] = [first, 0];
  const useEverywhere = async () => {
    for (const { access_token: token } of [first, login]) {
      await Promise.all(verifiers.map((keys) => verifyAccessToken(token, keys, EXPECTED)));
    }
    expect(await statusAtPolicy(login)).toBe(200);
    await using stream = await openStream(login);
    expect(stream.status).toBe(200);
  };
  await useEverywhere();
  expect(await runKeys("rotate")).toMatch(/^[\w-]{43} signs once it has been published/);
  const rotatedAt = await waitFor("the next key signs", async () => {
    login = await refresh(auths[issued++ % 2]!, login);
    await useEverywhere();
    return kidOf(login) !== old && performance.now();
  });
  // Until every verifier has long met the new key, and the other process has signed with it too.
  await waitFor("both keys are in use", async () => {
    login = await refresh(auths[issued++ % 2]!, login);
    await useEverywhere();
    return performance.now() > rotatedAt + 2_000 && issued > 20;
  });
  expect(kidOf(login)).not.toBe(old);
  expect(await runKeys("list")).toMatch(new RegExp(`^${old} +ES256 +retired`, "m"));
});

describe("a withdrawn key", () => {
  test("ends its streams and no others, and is refused at every verifier", async () => {
    const login = await stack.login("carol");
    await using stream = await openStream(login);
    await stream.frame("ready");
    const kid = kidOf(login);
    const successor = (await publishedKids(stack.authUrl)).find((each) => each !== kid);
    expect(await runKeys("withdraw", kid)).toContain(`${kid} is withdrawn`);
    expect((await stream.frame("auth_error")).data).toBe('{"reason":"revoked"}');
    await stream.closed();

    expect((await openStream(login)).status).toBe(401);
    await waitFor("policy refuses", async () => (await statusAtPolicy(login)) === 401);
    for (const url of auths) {
      await waitFor("it is not published", async () => !(await publishedKids(url)).includes(kid));
      await waitFor("another key signs", async () => kidOf(await loginAt(url)) !== kid);
    }
    expect(successor).toBeDefined();

    await using edge = await stack.startEdge();
    const url = `http://127.0.0.1:${edge.ports.http}`;
    expect((await openStream(login, url)).status).toBe(401);
    await using next = await openStream(await stack.login("carol"), url);
    expect(next.status).toBe(200);
  });

  test("is named for good by the command, which knows it again and refuses what it does not know", async () => {
    const listed = await runKeys("list");
    const kid = /^([\w-]{43}) +withdrawn/m.exec(listed)?.[1] ?? "";
    expect(await runKeys("withdraw", kid)).toContain(`${kid} is withdrawn`);
    expect(await runKeys("list")).toBe(listed);
    await expect(runKeys("withdraw", "-no-such-key")).rejects.toThrow("there is no key -no-such-key");
    await expect(runKeys("burn")).rejects.toThrow("unknown command 'burn'");
  });
});

async function runKeys(...args: string[]): Promise<string> {
  const env = { ...process.env, NATS_URL: stack.nats.url("auth") };
  return (await promisify(execFile)(process.execPath, [SCRIPT, "keys", ...args], { env })).stdout;
}

function kidOf({ access_token }: Login): string {
  return decodeProtectedHeader(access_token).kid ?? "";
}

function openStream({ access_token: token }: Login, url = stack.streamUrl) {
  return openEventStream(`${url}/v1/stream?topic=issues.>`, { token });
}

async function statusAtPolicy({ access_token }: Login): Promise<number> {
  const headers = { authorization: `Bearer ${access_token}` };
  return (await fetch(`${stack.policyUrl}/v1/tenants/demo/policy`, { headers })).status;
}

async function publishedKids(url: string): Promise<string[]> {
  const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
}

function loginAt(url: string): Promise<Login> {
  return post(`${url}/v1/auth/login`, { tenant: "demo", username: "carol", password: "sluice-demo" });
}

function refresh(url: string, { refresh_token }: Login): Promise<Login> {
  return post(`${url}/v1/auth/refresh`, { refresh_token });
}

async function post(url: string, body: object): Promise<Login> {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  expect(response.status).toBe(200);
  return (await response.json()) as Login;
}
