import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { credentials } from "@grpc/grpc-js";
import { Hono, type MiddlewareHandler } from "hono";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AuthorizationClient } from "#proto/envoy/service/auth/v3/external_auth.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import { openEventStream } from "#test/support/event-stream.ts";
import { type Login, type Stack, startStack } from "#test/support/start-stack.ts";
import type { RunningService } from "#test/support/start-service.ts";

const ISSUES = "/repos/Hello-World/issues";

const owned = new AsyncDisposableStack();
let stack: Stack;
/** Shares keys and sessions with the other auth, and issues tokens that are about to end. */
let brief: RunningService;

beforeAll(async () => {
  stack = owned.use(await startStack());
  brief = await stack.startAuth({ AUTH_ACCESS_TOKEN_SECONDS: "30" });
});
afterAll(() => owned.disposeAsync());

async function logIn(): Promise<Login> {
  const body = JSON.stringify({ tenant: "demo", username: "bob", password: "sluice-demo" });
  const response = await fetch(`http://127.0.0.1:${brief.ports.http}/v1/auth/login`, { method: "POST", body });
  return (await response.json()) as Login;
}

async function refresh(refresh_token: string): Promise<Login> {
  const body = JSON.stringify({ refresh_token });
  return (await (await fetch(`${stack.authUrl}/v1/auth/refresh`, { method: "POST", body })).json()) as Login;
}

function cookiesOf({ access_token, refresh_token }: Login): { readonly cookie: string } {
  return { cookie: `auth_token=${access_token}; refresh_token=${refresh_token}` };
}

function explicit({ access_token, refresh_token }: Login) {
  return { authorization: `Bearer ${access_token}`, "x-refresh-token": refresh_token };
}

/** The token in a `Set-Cookie`. */
function tokenIn(cookie: string | undefined): string {
  return /^auth_token=([^;]+);/.exec(cookie ?? "")?.[1] ?? "";
}

function secondsLeft(token: string): number {
  return (decodeJwt(token).exp ?? 0) - Date.now() / 1_000;
}

describe("a gateway that asks policy", () => {
  let client: AuthorizationClient;
  beforeAll(() => {
    client = new AuthorizationClient(`127.0.0.1:${stack.policy.ports.grpc}`, credentials.createInsecure());
    owned.defer(() => client.close());
  });

  const check = async (headers: Record<string, string>) => {
    const request = { attributes: { request: { http: { method: "GET", path: ISSUES, host: "h", headers } } } };
    const { httpResponse } = await callUnary(client.check.bind(client), request, { timeoutMs: 30_000 });
    if (httpResponse?.$case !== "okResponse") return { status: httpResponse?.value.status?.code };
    const { headers: behind, responseHeadersToAdd: inFront } = httpResponse.value;
    const byName = (options: typeof behind) => new Map(options.map(({ header }) => [header?.key, header?.value]));
    return { behind: byName(behind), inFront: byName(inFront) };
  };

  test("hands on a new token that auth signed, and spends no refresh token", async () => {
    const login = await logIn();
    const byCookie = await check(cookiesOf(login));
    const given = tokenIn(byCookie.inFront?.get("set-cookie"));
    expect(decodeJwt(given)).toMatchObject({ sub: "bob", sid: login.session_id });
    expect(byCookie.behind?.get("authorization")).toBe(`Bearer ${given}`);
    const byHeader = await check(explicit(login));
    expect(byHeader.inFront?.get("x-access-token")).toBe(
      byHeader.behind?.get("authorization")?.slice("Bearer ".length),
    );
    expect(secondsLeft(byHeader.inFront?.get("x-access-token") ?? "")).toBeGreaterThan(60);
    expect((await refresh(login.refresh_token)).refresh_token).toContain(`${login.session_id}.2.`);
  });

  test("gets one token a minute for one refresh token, however many requests come together", async () => {
    const headers = explicit(await logIn());
    const given = await Promise.all(Array.from({ length: 6 }, () => check(headers)));
    expect(new Set(given.map(({ inFront }) => decodeJwt(inFront?.get("x-access-token") ?? "").jti)).size).toBe(1);
  });

  test("renews a cookie that a handshake was given, which is good for streams alone", async () => {
    const { refresh_token } = await logIn();
    const headers = { cookie: `refresh_token=${refresh_token}` };
    await using stream = await openEventStream(`${stack.streamUrl}/v1/stream?topic=push.>`, { headers });
    const forStreams = tokenIn(stream.headers["set-cookie"]?.[0]);
    expect((await check({ cookie: `auth_token=${forStreams}` })).status).toBe(401);
    const renewed = await check({ cookie: `auth_token=${forStreams}; refresh_token=${refresh_token}` });
    expect(decodeJwt(tokenIn(renewed.inFront?.get("set-cookie")))).not.toHaveProperty("purpose");
  });

  test("ends the session of a refresh token that was spent long ago", async () => {
    const first = await logIn();
    const third = await refresh((await refresh(first.refresh_token)).refresh_token);
    const spent = { "x-refresh-token": first.refresh_token };
    expect((await check(spent)).status).toBe(401);
    expect((await check({ "x-refresh-token": third.refresh_token })).status).toBe(401);
  });
});

describe("a backend with the middleware of the guide", () => {
  let api: Hono<{ Variables: { accessToken: string | undefined } }>;

  beforeAll(async () => {
    const guide = await readFile("docs/guides/gateways.md", "utf8");
    const code = /```js\n(\/\/ renew-access\.js\n.*?)```/s.exec(guide)?.[1] ?? "";
    if (code === "") throw new Error("the guide has no middleware");
    const folder = await mkdtemp(join(tmpdir(), "sluice-middleware-"));
    owned.defer(() => rm(folder, { recursive: true }));
    const file = join(folder, "renew-access.mjs");
    await writeFile(
      file,
      code.replaceAll("process.env", JSON.stringify({ AUTH_URL: stack.authUrl, ACCESS_COOKIE: "auth_token" })),
    );
    const { renewAccess } = (await import(pathToFileURL(file).href)) as { renewAccess: MiddlewareHandler };
    api = new Hono<{ Variables: { accessToken: string | undefined } }>();
    api.use(renewAccess);
    api.get("/token", (c) => c.text(c.get("accessToken") ?? ""));
  });

  /** The token that the backend goes on with, and the answer. */
  const ask = async (headers: Record<string, string>) => {
    const answer = await api.request("/token", { headers });
    return { token: await answer.text(), headers: answer.headers };
  };

  test("renews by the cookie, and by X-Refresh-Token", async () => {
    const login = await logIn();
    const byCookie = await ask(cookiesOf(login));
    expect(secondsLeft(byCookie.token)).toBeGreaterThan(60);
    expect(byCookie.headers.get("x-access-token-renewed")).toBe("true");
    expect(tokenIn(byCookie.headers.getSetCookie()[0])).toBe(byCookie.token);
    const byHeader = await ask(explicit(login));
    expect(byHeader.headers.get("x-access-token")).toBe(byHeader.token);
    expect(byHeader.headers.getSetCookie()).toEqual([]);
    expect((await refresh(login.refresh_token)).refresh_token).toContain(`${login.session_id}.2.`);
  });

  test("leaves a token as it is that lasts, has no refresh token beside it, or cannot be renewed", async () => {
    const login = await logIn();
    const lasting = await stack.login("bob");
    const spent = { ...cookiesOf(login), cookie: `auth_token=${login.access_token}; refresh_token=none` };
    for (const [headers, token] of [
      [cookiesOf(lasting), lasting.access_token],
      [{ authorization: `Bearer ${login.access_token}` }, login.access_token],
      [spent, login.access_token],
      [{}, ""],
    ] as const) {
      const answer = await ask(headers);
      expect([answer.token, answer.headers.has("x-access-token-renewed")]).toEqual([token, false]);
    }
  });
});
