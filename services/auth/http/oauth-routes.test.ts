import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AuthStack,
  DEMO_PASSWORD,
  readAudit,
  readSessionEntries,
  startAuthStack,
} from "#test/support/start-auth.ts";

let stack: AuthStack;

beforeAll(async () => {
  stack = await startAuthStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

type Form = Record<string, string> | string;

const REPORTER = { client_id: "reporter", client_secret: DEMO_PASSWORD };
const BASIC = basic("reporter", DEMO_PASSWORD);

function basic(id: string, secret: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` };
}

function post(path: string, form: Form, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${stack.url}/v1/auth/${path}`, { method: "POST", body: new URLSearchParams(form), headers });
}

async function answerOf(response: Promise<Response>): Promise<Record<string, unknown>> {
  const answer = await response;
  return { status: answer.status, ...((await answer.json()) as Record<string, unknown>) };
}

async function refusalOf(response: Promise<Response>): Promise<string> {
  const { status, error } = await answerOf(response);
  return `${String(status)} ${String(error)}`;
}

async function logIn(): Promise<{ access_token: string; refresh_token: string; session_id: string }> {
  const body = JSON.stringify({ tenant: "demo", username: "alice", password: DEMO_PASSWORD });
  const response = await fetch(`${stack.url}/v1/auth/login`, { method: "POST", body });
  return (await response.json()) as { access_token: string; refresh_token: string; session_id: string };
}

async function clientToken(): Promise<string> {
  const answer = await answerOf(post("token", { grant_type: "client_credentials" }, BASIC));
  return String(answer["access_token"]);
}

function introspect(token: string): Promise<Record<string, unknown>> {
  return answerOf(post("introspect", { token }, BASIC));
}

describe("a client's token", () => {
  test.each([
    ["client_secret_basic", { grant_type: "client_credentials" }, BASIC],
    ["client_secret_post", { grant_type: "client_credentials", ...REPORTER }, {}],
  ])("by %s comes without a refresh token, and speaks for the client in its tenant", async (_how, form, headers) => {
    const response = await post("token", form, headers);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const tokens = (await response.json()) as { access_token: string; session_id: string };
    expect(tokens).toMatchObject({ token_type: "Bearer", expires_in: 300 });
    expect(tokens).not.toHaveProperty("refresh_token");
    expect(response.headers.getSetCookie()).toEqual([]);
    const { access_token: token, session_id: sid } = tokens;
    const claims = { sub: "reporter", client_id: "reporter", tenant_id: "demo", sid };
    expect(await introspect(token)).toMatchObject({ active: true, token_type: "Bearer", ...claims });
    await expect
      .poll(async () => (await readAudit(stack.nats, "demo")).map((entry) => entry["event"]))
      .toContain("client_token");
  });

  test("is revoked by its client alone, and its session with it", async () => {
    const token = await clientToken();
    const { sid } = await introspect(token);
    expect(await refusalOf(post("revoke", { token }))).toBe("401 invalid_client");
    expect((await introspect(token))["active"]).toBe(true);
    expect((await post("revoke", { token }, BASIC)).status).toBe(200);
    expect(await introspect(token)).toEqual({ status: 200, active: false });
    expect(await readSessionEntries(stack.nats, "demo")).toContainEqual({ sid, action: "revoked" });
  });

  test.each([
    ["a wrong secret", basic("reporter", "wrong"), {}],
    ["an unknown client", basic("nobody", DEMO_PASSWORD), {}],
    ["a user's name and password", basic("alice", DEMO_PASSWORD), {}],
    ["a wildcard", basic("*", DEMO_PASSWORD), {}],
    ["no colon", { authorization: `Basic ${Buffer.from("reporter").toString("base64")}` }, {}],
    ["broken percent signs", basic("reporter", "%zz"), {}],
    ["another scheme", { authorization: "Bearer x" }, {}],
    ["nothing", {}, {}],
    ["an id alone", {}, { client_id: "reporter" }],
    ["a secret alone", {}, { client_secret: DEMO_PASSWORD }],
  ])("is refused for %s", async (_what, headers: Record<string, string>, form: Record<string, string>) => {
    const response = post("token", { grant_type: "client_credentials", ...form }, headers);
    expect((await response).headers.get("www-authenticate")).toBe('Basic realm="sluice"');
    expect(await refusalOf(response)).toBe("401 invalid_client");
  });

  test("is asked for by fifty requests at once without one being throttled", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, clientToken));
    expect(new Set(answers.map((token) => token.split(".").length))).toEqual(new Set([3]));
  });

  test("guessed at is throttled, and says for how long", async () => {
    const guess = () => post("token", { grant_type: "client_credentials" }, basic("guessed", "wrong"));
    for (let count = 0; count < 10; count++) expect((await guess()).status).toBe(401);
    const refused = await guess();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50);
  });
});

describe("a refresh by the token endpoint", () => {
  test("rotates as a refresh does, without cookies", async () => {
    const { refresh_token, session_id } = await logIn();
    const response = await post("token", { grant_type: "refresh_token", refresh_token, client_id: "web" });
    expect(response.headers.getSetCookie()).toEqual([]);
    const tokens = (await response.json()) as { refresh_token: string; access_token: string };
    expect(tokens).toMatchObject({ token_type: "Bearer", session_id });
    expect(tokens.refresh_token).toContain(`${session_id}.2.`);
    expect((await introspect(refresh_token))["active"]).toBe(false);
    const introspected = { active: true, sub: "alice", sid: session_id };
    expect(await introspect(tokens.refresh_token)).toMatchObject({ ...introspected, token_use: "refresh_token" });
    expect(await introspect(tokens.access_token)).toMatchObject({ ...introspected, token_use: "access_token" });
  });

  test("is an invalid grant for a token that is forged, spent, another client's or a dead session's", async () => {
    const grant_type = "refresh_token";
    const { refresh_token, access_token } = await logIn();
    const invalid = ["x", `${refresh_token.slice(0, -1)}!`, access_token.slice(0, 256)];
    for (const each of invalid) {
      expect(await refusalOf(post("token", { grant_type, refresh_token: each }))).toBe("400 invalid_grant");
    }
    expect(await refusalOf(post("token", { grant_type, refresh_token }, BASIC))).toBe("400 invalid_grant");
    expect((await post("revoke", { token: refresh_token })).status).toBe(200);
    expect(await refusalOf(post("token", { grant_type, refresh_token }))).toBe("400 invalid_grant");
  });
});

describe("a malformed request", () => {
  test.each<[string, Form, string]>([
    ["no grant type", {}, "400 invalid_request"],
    ["an unknown grant type", { grant_type: "password" }, "400 unsupported_grant_type"],
    ["a parameter twice", "grant_type=refresh_token&grant_type=refresh_token", "400 invalid_request"],
    ["an empty refresh token", "grant_type=refresh_token&refresh_token=", "400 invalid_request"],
    [
      "a refresh token of 257 characters",
      { grant_type: "refresh_token", refresh_token: "x".repeat(257) },
      "400 invalid_request",
    ],
    [
      "a secret of 1025 characters",
      { ...REPORTER, grant_type: "x", client_secret: "x".repeat(1_025) },
      "400 invalid_request",
    ],
  ])("with %s is refused by the token endpoint", async (_what, form, refusal) => {
    expect(await refusalOf(post("token", form))).toBe(refusal);
  });

  test("with an unknown grant type is told those that there are", async () => {
    expect(await (await post("token", { grant_type: "password" })).json()).toEqual({
      error: "unsupported_grant_type",
      error_description: "grant_type must be client_credentials or refresh_token",
    });
  });

  test("that authenticates twice, speaks JSON, or stands in the URL is refused", async () => {
    const form = { grant_type: "client_credentials", ...REPORTER };
    expect(await refusalOf(post("token", form, BASIC))).toBe("400 invalid_request");
    expect(await refusalOf(post("token", form, { "content-type": "application/json" }))).toBe("400 invalid_request");
    expect(await refusalOf(post(`token?${new URLSearchParams(form).toString()}`, {}))).toBe("400 invalid_request");
    expect((await post("token", { ...form, padding: "x".repeat(16_384) })).status).toBe(413);
    for (const path of ["revoke", "introspect"]) {
      expect(await refusalOf(post(path, {}, BASIC))).toBe("400 invalid_request");
      expect(await refusalOf(post(path, "token=a&token=b", BASIC))).toBe("400 invalid_request");
      expect(await refusalOf(post(path, { token: "x".repeat(8_193) }, BASIC))).toBe("400 invalid_request");
    }
  });
});

describe("a revocation", () => {
  test("by either token ends the session, whatever the hint", async () => {
    for (const kind of ["access_token", "refresh_token"] as const) {
      const tokens = await logIn();
      const form = { token: tokens[kind], token_type_hint: kind === "access_token" ? "refresh_token" : "nonsense" };
      expect((await post("revoke", form)).status).toBe(200);
      expect((await introspect(tokens.access_token))["active"]).toBe(false);
      expect((await introspect(tokens.refresh_token))["active"]).toBe(false);
    }
  });

  test("of what is no token of ours is answered with 200, and of another client's refused", async () => {
    for (const token of ["x", "a.b.c", "*.1.>", "\0"]) expect((await post("revoke", { token })).status).toBe(200);
    const { access_token } = await logIn();
    expect(await refusalOf(post("revoke", { token: access_token }, BASIC))).toBe("400 invalid_grant");
    expect((await introspect(access_token))["active"]).toBe(true);
  });
});

describe("an introspection", () => {
  test("is for service clients only", async () => {
    const { access_token: token } = await logIn();
    expect(await refusalOf(post("introspect", { token }))).toBe("401 invalid_client");
    expect(await refusalOf(post("introspect", { token }, basic("reporter", "wrong")))).toBe("401 invalid_client");
  });

  test("says nothing of what is not ours, nor of another tenant's token", async () => {
    const body = JSON.stringify({ tenant: "rival", username: "mallory", password: DEMO_PASSWORD });
    const response = await fetch(`${stack.url}/v1/auth/login`, { method: "POST", body });
    const { access_token, refresh_token } = (await response.json()) as Record<string, string>;
    const [head, payload] = (await clientToken()).split(".");
    for (const token of [access_token!, refresh_token!, "x", `${head}.${payload}.`, "unknown.1.x"]) {
      expect(await introspect(token)).toEqual({ status: 200, active: false });
    }
  });
});

test("the metadata names the endpoints under the issuer", async () => {
  const metadata = await answerOf(fetch(`${stack.url}/.well-known/oauth-authorization-server`));
  expect(metadata).toMatchObject({
    issuer: "http://localhost:8081",
    token_endpoint: "http://localhost:8081/v1/auth/token",
    jwks_uri: "http://localhost:8081/.well-known/jwks.json",
    grant_types_supported: ["client_credentials", "refresh_token"],
  });
});

test("Redis that is down is told as temporary", async () => {
  await stack.redis.stop("SIGKILL");
  const refused = await post("token", { grant_type: "client_credentials" }, BASIC);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(await refusalOf(Promise.resolve(refused))).toBe("503 temporarily_unavailable");
});
