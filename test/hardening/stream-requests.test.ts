import { createHmac, generateKeyPairSync } from "node:crypto";
import { request as httpRequest } from "node:http";
import { type JWTPayload, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";

const TOPIC = "topic=issues.>";

let stack: Stack;
let token: string;
let claims: JWTPayload;

beforeAll(async () => {
  const everything = { LOG_LEVEL: "trace" };
  stack = await startStack({ stream: everything, auth: everything, policy: everything });
  token = (await stack.login("alice")).access_token;
  claims = partOf(token, 1);
});
afterAll(() => stack[Symbol.asyncDispose]());

describe("a request without a token that holds", () => {
  test("is asked for one where it has none", async () => {
    const answer = await ask({});
    expect(answer).toMatchObject({ status: 401, code: "token_missing" });
    expect(answer.headers["www-authenticate"]).toBe('Bearer realm="sluice"');
  });

  const forgeries: Record<string, () => string | Promise<string>> = {
    "is garbage": () => "garbage",
    "is 9 KB long": () => "a".repeat(9_000),
    "holds a NUL written as text": () => "a%00b",
    "has no signature": () => `${token.split(".").slice(0, 2).join(".")}.`,
    "has another signature": () => mutate(token, 2),
    "has other claims": () => assemble(partOf(token, 0), { ...claims, sub: "carol" }, token.split(".")[2] ?? ""),
    "says alg none": () => assemble({ alg: "none", typ: "at+jwt" }, claims, ""),
    "says alg none, and keeps its signature": () =>
      assemble({ ...partOf(token, 0), alg: "none" }, claims, token.split(".")[2] ?? ""),
    "is signed by HS256 with the public key": signWithPublicKey,
    "is signed by a key of its own under the name of ours": () => sign({}, claims),
    "brings its own key along": () => sign({ jwk: OWN_KEY.publicKey.export({ format: "jwk" }) }, claims),
    "names where its key is": () => sign({ jku: "http://127.0.0.1:1/jwks.json", kid: "other" }, claims),
    "names a path for its key": () => sign({ kid: "../../../../dev/null" }, claims),
    "has another issuer": () => sign({}, { ...claims, iss: "http://evil.example" }),
    "is for another audience": () => sign({}, { ...claims, aud: "other" }),
    "is of another type": () => sign({ typ: "JWT" }, claims),
    "has expired": () => sign({}, { ...claims, exp: 1 }),
    "never expires": () => sign({}, Object.fromEntries(Object.entries(claims).filter(([name]) => name !== "exp"))),
  };
  for (const [what, forge] of Object.entries(forgeries)) {
    test(`that ${what} is told token_invalid`, async () => {
      const answer = await ask({ authorization: `Bearer ${await forge()}` });
      expect(answer).toMatchObject({ status: 401, code: "token_invalid" });
      expect(answer.headers["www-authenticate"]).toMatch(/^Bearer realm="sluice", error="invalid_token"/);
    });
  }

  test("that is a refresh token is told token_invalid", async () => {
    const { refresh_token } = await stack.login("alice");
    expect(await ask({ authorization: `Bearer ${refresh_token}` })).toMatchObject({
      status: 401,
      code: "token_invalid",
    });
  });

  test("that has really expired is told so", async () => {
    await using auth = await stack.startAuth({ AUTH_ACCESS_TOKEN_SECONDS: "1" });
    const old = await loginAt(auth.ports.http);
    // Issued just now for one second, and the leeway between clocks is five.
    const answer = () => ask(bearer(old));
    await expect.poll(answer, { timeout: 30_000, interval: 250 }).toMatchObject({ status: 401, code: "token_expired" });
  });
});

describe("a request with several tokens", () => {
  test("is refused where two explicit ones differ", async () => {
    const answer = await ask({ ...bearer(token), "x-auth-token": `${token}x` });
    expect(answer).toMatchObject({ status: 400, code: "conflicting_tokens" });
    const twice = await ask({ authorization: [`Bearer ${token}`, "Bearer other"] });
    expect(twice).toMatchObject({ status: 400, code: "conflicting_tokens" });
  });

  test("is accepted where the explicit ones are equal, and where it comes in either header", async () => {
    for (const headers of [{ ...bearer(token), "x-auth-token": token }, { "x-auth-token": token }, bearer(token)]) {
      await using stream = await open(headers);
      expect(JSON.parse((await stream.frame("ready")).data)).toMatchObject({ subject: "alice" });
    }
  });

  test("never falls through from a broken explicit one to a good cookie", async () => {
    for (const value of ["Bearer garbage", "Bearer ", "Bearer"]) {
      const answer = await ask({ authorization: value, cookie: `auth_token=${token}` });
      expect(answer).toMatchObject({ status: 401, code: "token_invalid" });
    }
    const empty = await ask({ "x-auth-token": "", cookie: `auth_token=${token}` });
    expect(empty).toMatchObject({ status: 401, code: "token_invalid" });
  });

  test("goes by the explicit one where the cookie is another person's", async () => {
    const { access_token: other } = await stack.login("bob");
    await using stream = await open({ ...bearer(token), cookie: `auth_token=${other}` });
    expect(JSON.parse((await stream.frame("ready")).data)).toMatchObject({ subject: "alice" });
  });
});

test.each(["access_token", "token", "auth_token", "jwt"])(
  "a token in the URL as %s is refused, and stands in no line of any log",
  async (name) => {
    const secret = `${token.slice(0, -8)}${name.slice(0, 3)}`;
    for (const headers of [{}, bearer(token)]) {
      expect(await ask(headers, `${TOPIC}&${name}=${secret}`)).toMatchObject({ status: 400, code: "token_in_url" });
    }
    for (const { child } of [stack.auth, stack.policy, stack.edge]) {
      expect(child.output()).toContain('"msg":"ready"');
      expect(child.output()).not.toContain(secret);
      expect(child.output()).not.toContain(token);
    }
  },
);

describe("a request with a cookie", () => {
  const foreign: [string, Record<string, string>][] = [
    ["of a foreign origin", { origin: "https://evil.example" }],
    ["of a sandboxed frame", { origin: "null" }],
    ["of another port of this host", { origin: "http://127.0.0.1:1" }],
    ["of another site without an origin", { "sec-fetch-site": "cross-site" }],
    ["of another host of this site", { "sec-fetch-site": "same-site" }],
    [
      "of a foreign origin that says it is the same",
      { origin: "https://evil.example", "sec-fetch-site": "same-origin" },
    ],
  ];
  test.each(foreign)("from a page %s is refused", async (_, headers) => {
    const answer = await ask({ cookie: `auth_token=${token}`, ...headers });
    expect(answer).toMatchObject({ status: 403, code: "cross_site" });
    expect(answer.headers).not.toHaveProperty("access-control-allow-origin");
  });

  test("from a page of this host, or from no page, gets its stream", async () => {
    for (const headers of [{ origin: stack.streamUrl }, { "sec-fetch-site": "same-origin" }, {}]) {
      await using stream = await open({ cookie: `auth_token=${token}`, ...headers });
      expect(JSON.parse((await stream.frame("ready")).data)).toMatchObject({ subject: "alice" });
    }
  });

  test("from a page on the list gets its stream, and may read it", async () => {
    const origin = "https://app.example.com";
    await using edge = await stack.startEdge({ STREAM_ALLOWED_ORIGINS: origin });
    await using stream = await open({ cookie: `auth_token=${token}`, origin }, edge.ports.http);
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-credentials": "true",
    });
  });
});

test("the lines of a stream carry its request's id from its opening to its end, with the person and no token", async () => {
  const id = "request-of-alice.1";
  const linesAbout = () =>
    stack.edge.child
      .output()
      .split("\n")
      .filter((line) => line.includes(`"requestId":"${id}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const options = { token, headers: { "x-request-id": id } };
  const stream = await openEventStream(`${stack.streamUrl}/v1/stream?${TOPIC}`, options);
  const { connectionId } = JSON.parse((await stream.frame("ready")).data) as Record<string, string>;
  expect(stream.headers["x-request-id"]).toBe(id);
  await stream[Symbol.asyncDispose]();
  await expect.poll(() => linesAbout().length).toBe(2);
  const about = { level: "info", connectionId, tenant: "demo", "user.id": "alice", kid: expect.any(String) };
  expect(linesAbout()).toMatchObject([
    { ...about, msg: "a stream was opened" },
    { ...about, msg: "a stream ended", reason: "gone", seconds: expect.any(Number) },
  ]);
});

test("a foreign page with an explicit token is served: no browser sends that without its user's code", async () => {
  await using stream = await open({ ...bearer(token), origin: "https://evil.example" });
  expect(stream.status).toBe(200);
  expect(stream.headers).not.toHaveProperty("access-control-allow-origin");
});

const OWN_KEY = generateKeyPairSync("ec", { namedCurve: "P-256" });

function bearer(value: string): { authorization: string } {
  return { authorization: `Bearer ${value}` };
}

function urlOf(port: number | undefined, query: string): string {
  return `${port === undefined ? stack.streamUrl : `http://127.0.0.1:${port}`}/v1/stream?${query}`;
}

function open(headers: Record<string, string>, port?: number) {
  return openEventStream(urlOf(port, TOPIC), { headers });
}

/** Asks for a stream that is refused, and reads the refusal. */
function ask(headers: Record<string, string | string[]>, query = TOPIC, port?: number) {
  return new Promise<{ status: number; code: unknown; headers: Record<string, unknown> }>((resolve, reject) => {
    const request = httpRequest(urlOf(port, query), { agent: false, headers }, (response) => {
      const { statusCode: status = 0 } = response;
      if (status === 200) request.destroy();
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("error", () => {});
      response.on("close", () =>
        resolve({ status, code: status === 200 ? "" : JSON.parse(body).code, headers: response.headers }),
      );
    });
    request.on("error", reject).end();
  });
}

async function loginAt(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tenant: "demo", username: "alice", password: "sluice-demo" }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

function partOf(jwt: string, index: number): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split(".")[index] ?? "", "base64url").toString());
}

function assemble(header: object, payload: object, signature: string): string {
  const parts = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  return [...parts, signature].join(".");
}

/** The token with one bit of a part turned. */
function mutate(jwt: string, index: number): string {
  const parts = jwt.split(".");
  const bytes = Buffer.from(parts[index] ?? "", "base64url");
  bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0);
  return parts.with(index, bytes.toString("base64url")).join(".");
}

/** A token as auth makes them, signed by a key that is not auth's. */
function sign(header: object, payload: JWTPayload): Promise<string> {
  return new SignJWT(payload)
    .setProtectedHeader({ ...partOf(token, 0), alg: "ES256", ...header })
    .sign(OWN_KEY.privateKey);
}

/** What a verifier accepts that takes the algorithm from the token and the public key for a secret. */
async function signWithPublicKey(): Promise<string> {
  const jwks = (await (await fetch(`${stack.authUrl}/.well-known/jwks.json`)).json()) as { keys: object[] };
  const unsigned = assemble({ ...partOf(token, 0), alg: "HS256" }, claims, "").slice(0, -1);
  const secret = JSON.stringify(jwks.keys[0]);
  return `${unsigned}.${createHmac("sha256", secret).update(unsigned).digest("base64url")}`;
}
