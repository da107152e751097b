import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { createRemoteJWKSet } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyAccessToken } from "#shared/tokens/verify-access-token.ts";
import { type AuthStack, DEMO_PASSWORD, readSessionEntries, startAuthStack } from "#test/support/start-auth.ts";

let stack: AuthStack;

beforeAll(async () => {
  stack = await startAuthStack({ AUTH_ALLOWED_ORIGINS: "https://app.example" });
});
afterAll(() => stack[Symbol.asyncDispose]());

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly session_id: string;
  readonly expires_in: number;
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return fetch(`${stack.url}/v1/auth/${path}`, { method: "POST", body: text, headers });
}

function logIn(username: string, headers: Record<string, string> = {}): Promise<Response> {
  return post("login", { tenant: "demo", username, password: DEMO_PASSWORD }, headers);
}

/** Sends two headers of one name, as fetch cannot. */
async function logOutTwice(tokens: string[]): Promise<number | undefined> {
  const headers = ["host", "localhost", ...tokens.flatMap((token) => ["authorization", `Bearer ${token}`])];
  const logout = httpRequest(`${stack.url}/v1/auth/logout`, { method: "POST", headers }).end();
  const [response] = (await once(logout, "response")) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

/** The cookies that a login sets under a host name; fetch does not let its caller choose one. */
async function cookiesSetFor(host: string): Promise<string[]> {
  const login = httpRequest(`${stack.url}/v1/auth/login`, { method: "POST", headers: { host } });
  login.end(JSON.stringify({ tenant: "demo", username: "carol", password: DEMO_PASSWORD }));
  const [response] = (await once(login, "response")) as [IncomingMessage];
  response.resume();
  return response.headers["set-cookie"] ?? [];
}

async function tokensOf(response: Promise<Response>): Promise<Tokens> {
  return (await (await response).json()) as Tokens;
}

function refresh(refresh_token: string): Promise<Response> {
  return post("refresh", { refresh_token });
}

function cookies({ access_token, refresh_token }: Partial<Tokens>): Record<string, string> {
  return { cookie: `auth_token=${access_token ?? ""}; refresh_token=${refresh_token ?? ""}` };
}

/** Status and code of a refusal; the answer must be a problem document. */
async function refusalOf(response: Promise<Response>): Promise<string> {
  const answer = await response;
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  const { code } = (await answer.json()) as { code: string };
  return `${answer.status} ${code}`;
}

async function revokedSids(): Promise<string[]> {
  return (await readSessionEntries(stack.nats, "demo")).map((entry) => (entry as { sid: string }).sid);
}

describe("a login", () => {
  test("answers both tokens and sets both cookies for the life of the session", async () => {
    const response = await logIn("alice");
    const tokens = (await response.clone().json()) as Tokens & { token_type: string };
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(tokens).toMatchObject({ token_type: "Bearer", expires_in: 300 });
    expect(tokens.refresh_token.startsWith(`${tokens.session_id}.1.`)).toBe(true);
    const [access, renewal] = response.headers.getSetCookie();
    expect(access).toMatch(/^auth_token=[^;]+; Max-Age=43\d{3}; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(access).toContain(tokens.access_token);
    expect(renewal).toMatch(/^refresh_token=[^;]+; Max-Age=43\d{3}; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  test("gives a token that the published keys verify", async () => {
    const { access_token, session_id } = await tokensOf(logIn("bob"));
    const keys = createRemoteJWKSet(new URL(`${stack.url}/.well-known/jwks.json`));
    const claims = await verifyAccessToken(access_token, keys, { issuer: "http://localhost:8081", audience: "sluice" });
    expect(claims).toMatchObject({ sub: "bob", tenant_id: "demo", sid: session_id, client_id: "web", roles: [] });
  });

  test.each(["auth.example", "localhost:8081"])(
    "under the host %s sets no Secure cookies: the issuer is reached without TLS",
    async (host) => {
      const secure = (await cookiesSetFor(host)).slice(0, 2).map((cookie) => cookie.includes("; Secure"));
      expect(secure).toEqual([false, false]);
    },
  );

  test("with a wrong password, an unknown user or another tenant's user is refused in one voice", async () => {
    const attempts = [
      { tenant: "demo", username: "alice", password: "wrong" },
      { tenant: "demo", username: "nobody", password: DEMO_PASSWORD },
      { tenant: "rival", username: "alice", password: DEMO_PASSWORD },
      { tenant: "nowhere", username: "alice", password: DEMO_PASSWORD },
    ];
    const answers = attempts.map(async (attempt) => {
      const { instance, ...said } = (await (await post("login", attempt)).json()) as Record<string, unknown>;
      return `${typeof instance} ${JSON.stringify(said)}`;
    });
    expect(new Set(await Promise.all(answers))).toEqual(new Set([expect.stringContaining("bad_credentials")]));
  });

  test("is refused after ten failures, even with the right password, for known and unknown names alike", async () => {
    for (const username of ["mallory", "unknown"]) {
      const attempt = { tenant: "rival", username, password: "wrong" };
      for (let count = 0; count < 10; count++) {
        expect(await refusalOf(post("login", attempt))).toBe("401 bad_credentials");
      }
      const right = post("login", { ...attempt, password: DEMO_PASSWORD });
      expect(await refusalOf(right)).toBe("429 too_many_attempts");
    }
  });

  test.each([
    ["NUL", "al\0ice"],
    ["a line end", "alice\n"],
    ["nothing", ""],
    ["257 bytes", `${"é".repeat(128)}a`],
    ["a number", 7],
  ])("with %s for a name is malformed", async (_what, name) => {
    const password = "x";
    expect(await refusalOf(post("login", { tenant: "demo", username: name, password }))).toBe("400 malformed_request");
    expect(await refusalOf(post("login", { tenant: name, username: "a", password }))).toBe("400 malformed_request");
  });

  test("with the name of a look-alike is another person's", async () => {
    for (const username of ["аlice", "ALICE", "alice ", "%61lice", "alice.", "*"]) {
      const attempt = { tenant: "demo", username, password: DEMO_PASSWORD };
      expect(await refusalOf(post("login", attempt))).toBe("401 bad_credentials");
    }
  });

  test.each([
    ["malformed JSON", '{"tenant":"demo",'],
    ["JSON that is no object", "[]"],
    ["no password", '{"tenant":"demo","username":"alice"}'],
    ["a password of 4097 bytes", { tenant: "demo", username: "alice", password: `x${"ä".repeat(2_048)}` }],
    ["no body", ""],
  ])("with %s is malformed", async (_what, body) => {
    expect(await refusalOf(post("login", body))).toBe("400 malformed_request");
  });

  test("takes a body of 16 KiB and not one byte more", async () => {
    const credentials = JSON.stringify({ tenant: "demo", username: "alice", password: DEMO_PASSWORD });
    expect((await post("login", credentials.padEnd(16_384))).status).toBe(200);
    expect(await refusalOf(post("login", credentials.padEnd(16_385)))).toBe("413 body_too_large");
  });

  test("takes no larger body when its size is not declared", async () => {
    const body = new Blob([" ".repeat(17_408)]).stream();
    const request = { method: "POST", body, duplex: "half" } as const;
    expect(await refusalOf(fetch(`${stack.url}/v1/auth/login`, request))).toBe("413 body_too_large");
  });

  test("by a page of another site is refused, by one on the list or of the same origin it is not", async () => {
    expect(await refusalOf(logIn("alice", { origin: "https://evil.example" }))).toBe("403 cross_site");
    expect(await refusalOf(logIn("alice", { origin: "null" }))).toBe("403 cross_site");
    expect(await refusalOf(logIn("alice", { "sec-fetch-site": "cross-site" }))).toBe("403 cross_site");
    expect((await logIn("alice", { origin: "https://app.example" })).status).toBe(200);
    expect((await logIn("alice", { origin: stack.url, "sec-fetch-site": "same-origin" })).status).toBe(200);
  });
});

describe("a refresh", () => {
  test("answers the successor and sets both cookies, by body and by cookie", async () => {
    const first = await tokensOf(logIn("alice"));
    const second = await tokensOf(refresh(first.refresh_token));
    expect(second.refresh_token.startsWith(`${first.session_id}.2.`)).toBe(true);
    expect(second.access_token).not.toBe(first.access_token);
    const byCookie = await post("refresh", "", cookies(second));
    expect(byCookie.status).toBe(200);
    expect(byCookie.headers.getSetCookie()[1]).toContain(`refresh_token=${first.session_id}.3.`);
  });

  test("by eight tabs at once gives all of them the same successor", async () => {
    const { refresh_token } = await tokensOf(logIn("alice"));
    const answers = await Promise.all(Array.from({ length: 8 }, () => tokensOf(refresh(refresh_token))));
    expect(new Set(answers.map((tokens) => tokens.refresh_token)).size).toBe(1);
  });

  test("with a token spent two generations ago revokes the session, for every token of the family", async () => {
    const first = await tokensOf(logIn("alice"));
    const second = await tokensOf(refresh(first.refresh_token));
    const third = await tokensOf(refresh(second.refresh_token));
    expect(await refusalOf(refresh(first.refresh_token))).toBe("401 token_reused");
    expect(await refusalOf(refresh(third.refresh_token))).toBe("401 session_ended");
    expect(await refusalOf(refresh(first.refresh_token))).toBe("401 session_ended");
    expect(await revokedSids()).toContain(first.session_id);
  });

  test("is refused for a forged, a foreign or a missing token", async () => {
    const { access_token, refresh_token } = await tokensOf(logIn("alice"));
    const [family, , mac] = refresh_token.split(".");
    expect(await refusalOf(refresh(`${family}.2.${mac}`))).toBe("401 token_invalid");
    expect(await refusalOf(refresh(access_token.slice(0, 256)))).toBe("401 token_invalid");
    expect(await refusalOf(refresh("*.1.>"))).toBe("401 token_invalid");
    expect(await refusalOf(refresh("x".repeat(257)))).toBe("400 malformed_request");
    expect(await refusalOf(post("refresh", "{}"))).toBe("401 token_missing");
    expect(await refusalOf(post("refresh?refresh_token=a.1.b", ""))).toBe("400 token_in_url");
    expect(await refusalOf(post("refresh", "{"))).toBe("400 malformed_request");
    expect(await refusalOf(post("refresh", " ".repeat(17_408)))).toBe("413 body_too_large");
  });

  test("by a page of another site is refused, and spends nothing", async () => {
    const { refresh_token } = await tokensOf(logIn("alice"));
    const evil = { ...cookies({ refresh_token }), origin: "https://evil.example" };
    expect(await refusalOf(post("refresh", "", evil))).toBe("403 cross_site");
    expect((await tokensOf(refresh(refresh_token))).refresh_token).toContain(".2.");
  });
});

describe("a logout", () => {
  test.each(["authorization", "x-auth-token", "cookie"])("by %s revokes and clears both cookies", async (by) => {
    const tokens = await tokensOf(logIn("alice"));
    const value = { authorization: `Bearer ${tokens.access_token}`, "x-auth-token": tokens.access_token };
    const headers = by === "cookie" ? cookies(tokens) : { [by]: value[by as keyof typeof value] };
    const response = await post("logout", "", headers);
    expect(response.status).toBe(204);
    expect(response.headers.getSetCookie()).toEqual([
      "auth_token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
      "refresh_token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
    ]);
    expect(await revokedSids()).toContain(tokens.session_id);
    expect(await refusalOf(refresh(tokens.refresh_token))).toBe("401 session_ended");
  });

  test("that comes again is answered, and written once", async () => {
    const { access_token, session_id } = await tokensOf(logIn("bob"));
    for (const _turn of [1, 2]) {
      expect((await post("logout", "", { authorization: `Bearer ${access_token}` })).status).toBe(204);
    }
    expect((await revokedSids()).filter((sid) => sid === session_id)).toHaveLength(1);
  });

  test("needs no access token where the refresh cookie is good, also when the session is over", async () => {
    const { refresh_token, session_id } = await tokensOf(logIn("bob"));
    expect((await post("logout", "", cookies({ refresh_token }))).status).toBe(204);
    expect(await revokedSids()).toContain(session_id);
    expect((await post("logout", "", cookies({ refresh_token, access_token: "broken" }))).status).toBe(204);
  });

  test("with an invalid explicit token never falls through to the cookies", async () => {
    const tokens = await tokensOf(logIn("bob"));
    const headers = { ...cookies(tokens), authorization: "Bearer broken" };
    expect(await refusalOf(post("logout", "", headers))).toBe("401 token_invalid");
    expect(await revokedSids()).not.toContain(tokens.session_id);
  });

  test("with no token, two tokens or a token in the URL is refused", async () => {
    const { access_token: token } = await tokensOf(logIn("bob"));
    const both = { authorization: `Bearer ${token}`, "x-auth-token": "other" };
    expect(await refusalOf(post("logout", ""))).toBe("401 token_missing");
    expect(await refusalOf(post("logout", "", both))).toBe("400 conflicting_tokens");
    expect(await refusalOf(post(`logout?access_token=${token}`, ""))).toBe("400 token_in_url");
  });

  test("with two Authorization headers is refused when they differ", async () => {
    const [one, other] = [await tokensOf(logIn("bob")), await tokensOf(logIn("bob"))];
    expect(await logOutTwice([one.access_token, other.access_token])).toBe(400);
    expect(await logOutTwice([one.access_token, one.access_token])).toBe(204);
  });

  test("by the cookies of a visitor of another site is refused", async () => {
    const tokens = await tokensOf(logIn("bob"));
    const evil = { ...cookies(tokens), "sec-fetch-site": "cross-site" };
    expect(await refusalOf(post("logout", "", evil))).toBe("403 cross_site");
    expect(await refusalOf(post("logout", "", { ...evil, ...cookies({}) }))).toBe("403 cross_site");
  });
});

test("the published keys may be cached for five minutes and hold nothing private", async () => {
  const response = await fetch(`${stack.url}/.well-known/jwks.json`);
  expect(response.headers.get("cache-control")).toBe("public, max-age=300");
  const { keys } = (await response.json()) as { keys: Record<string, string>[] };
  const members = ["alg", "crv", "kid", "kty", "use", "x", "y"];
  expect(keys.map((key) => Object.keys(key).toSorted())).toEqual([members, members]);
});

test("what happened is counted", async () => {
  const metrics = await (await fetch(`http://127.0.0.1:${stack.auth.ports.ops}/metrics`)).text();
  expect(metrics).toMatch(/^sluice_auth_logins_total\{outcome="ok"\} [1-9]/m);
  expect(metrics).toMatch(/^sluice_auth_logins_total\{outcome="bad_credentials"\} [1-9]/m);
  expect(metrics).toMatch(/^sluice_auth_logins_total\{outcome="too_many_attempts"\} 2$/m);
  expect(metrics).toMatch(/^sluice_auth_refreshes_total\{outcome="token_reused"\} 1$/m);
});
