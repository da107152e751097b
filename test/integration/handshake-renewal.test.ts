import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { freePort } from "#test/support/ports.ts";
import { requireOk } from "#test/support/require-ok.ts";
import { type Login, type Stack, startStack } from "#test/support/start-stack.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";

let stack: Stack;
let brief: RunningService;

beforeAll(async () => {
  stack = await startStack();
  // Shares keys and sessions with the other, and issues tokens that are over at once.
  brief = await stack.startAuth({ AUTH_ACCESS_TOKEN_SECONDS: "1" });
});
afterAll(() => stack[Symbol.asyncDispose]());

async function post(path: string, body: object): Promise<Login> {
  const response = await fetch(`http://127.0.0.1:${brief.ports.http}/v1/auth/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
  });
  return (await response.json()) as Login;
}

function logIn(): Promise<Login> {
  return post("login", { tenant: "demo", username: "bob", password: "sluice-demo" });
}

function open(cookies: Record<string, string>, headers: Record<string, string> = {}, url = stack.streamUrl) {
  const cookie = Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join("; ");
  return openEventStream(`${url}/v1/stream?topic=push.>`, { headers: { cookie, ...headers } });
}

describe("a handshake by cookies whose access token has expired", () => {
  test("is given a new one of the same session, and nothing is rotated", async () => {
    const { access_token, refresh_token, session_id } = await logIn();
    await using stream = await open({ auth_token: access_token, refresh_token });
    await stream.frame("ready");
    expect(stream.headers["x-access-token-renewed"]).toBe("true");
    const [cookie = ""] = stream.headers["set-cookie"] ?? [];
    const [, token = ""] = /^auth_token=([^;]+); Max-Age=43\d{3}; Path=\/; HttpOnly; SameSite=Lax$/.exec(cookie) ?? [];
    expect(decodeJwt(token)).toMatchObject({ sub: "bob", sid: session_id, tenant_id: "demo" });
    await using again = await open({ auth_token: token, refresh_token });
    await again.frame("ready");
    expect(again.headers).not.toHaveProperty("x-access-token-renewed");
    expect((await post("refresh", { refresh_token })).refresh_token).toContain(`${session_id}.2.`);
  });

  test("is renewed as well where the browser has dropped the cookie, and where the token is long over", async () => {
    const { access_token, refresh_token } = await logIn();
    await using gone = await open({ refresh_token });
    await gone.frame("ready");
    expect(gone.headers["x-access-token-renewed"]).toBe("true");
    await waitFor(
      "the token is over, leeway included",
      () => Date.now() > (decodeJwt(access_token).exp ?? 0) * 1_000 + 5_100,
    );
    await using stale = await open({ auth_token: access_token, refresh_token });
    await stale.frame("ready");
    expect(stale.headers["x-access-token-renewed"]).toBe("true");
  });

  test("is renewed by the parent of the leaf within its 10 s; an older one ends the session", async () => {
    const first = await logIn();
    const second = await post("refresh", { refresh_token: first.refresh_token });
    await using parent = await open({ refresh_token: first.refresh_token });
    await parent.frame("ready");
    await post("refresh", { refresh_token: second.refresh_token });
    await using grandparent = await open({ refresh_token: first.refresh_token });
    expect(grandparent.status).toBe(401);
    expect(grandparent.headers).not.toHaveProperty("set-cookie");
    // Somebody has a copy of it: nobody goes on with this family.
    await using child = await open({ refresh_token: second.refresh_token });
    expect(child.status).toBe(401);
  });

  test("is refused where the session has ended, or the refresh token is none, and never becomes anonymous", async () => {
    const { access_token, refresh_token, session_id } = await logIn();
    await requireOk(
      fetch(`${stack.authUrl}/v1/auth/logout`, {
        method: "POST",
        headers: { cookie: `refresh_token=${refresh_token}` },
      }),
    );
    for (const bad of [refresh_token, "garbage", `${session_id}.1.${"A".repeat(43)}`]) {
      await using stream = await open({ refresh_token: bad });
      expect(stream.status).toBe(401);
      await using both = await open({ auth_token: "garbage", refresh_token: bad });
      expect(both.status).toBe(401);
    }
    await using over = await open({ auth_token: access_token, refresh_token });
    expect(over.status).toBe(401);
  });

  test("is refused from a page that is not trusted, before anything is asked", async () => {
    const { refresh_token } = await logIn();
    await using stream = await open({ refresh_token }, { origin: "https://evil.example" });
    expect(stream.status).toBe(403);
    expect(stream.headers).not.toHaveProperty("set-cookie");
  });

  test("is told busy while auth is away", async () => {
    const { refresh_token } = await logIn();
    const edge = await stack.startEdge({ AUTH_GRPC_URL: `127.0.0.1:${await freePort()}`, STREAM_HANDSHAKE_MS: "500" });
    await using stream = await open({ refresh_token }, {}, `http://127.0.0.1:${edge.ports.http}`);
    expect(stream.status).toBe(200);
    await stream.frame("busy");
  });
});

test("an explicit token that has expired is never renewed", async () => {
  const { access_token, refresh_token } = await logIn();
  await waitFor(
    "the token is over, leeway included",
    () => Date.now() > (decodeJwt(access_token).exp ?? 0) * 1_000 + 5_100,
  );
  const places: Record<string, string>[] = [
    { authorization: `Bearer ${access_token}` },
    { "x-auth-token": access_token },
  ];
  for (const headers of places) {
    await using stream = await open({ refresh_token }, headers);
    expect(stream.status).toBe(401);
    expect(stream.headers).not.toHaveProperty("set-cookie");
  }
});
