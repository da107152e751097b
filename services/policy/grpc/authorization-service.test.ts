import { compileHere } from "#test/support/compile-here.ts";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import type { HeaderValueOption } from "#proto/envoy/config/core/v3/base.ts";
import {
  AuthorizationClient,
  AuthorizationService,
  CheckRequest,
  CheckResponse,
} from "#proto/envoy/service/auth/v3/external_auth.ts";
import { z } from "zod";
import { AppError } from "#shared/errors/app-error.ts";
import { cookieSettings } from "#shared/http/cookie-settings.ts";
import { createTokenCookies } from "#shared/http/token-cookies.ts";
import { callUnary } from "#shared/grpc/call-unary.ts";
import { type GrpcServer, startGrpcServer } from "#shared/grpc/start-server.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { createPolicyMetrics } from "../metrics.ts";
import type { SessionOfToken } from "#shared/tokens/session-rights.ts";
import { Snapshots } from "../versions/snapshots.ts";
import { emptyContent } from "../versions/stored-policy.ts";
import { createAuthorizationService } from "./authorization-service.ts";

const text = `
tenant: acme
roles: { viewer: { allow: ["order:read"] } }
bindings: [{ role: viewer, subjects: [alice] }]
routes: [{ method: GET, path: "/orders/{id}", permission: order:read }]
`;
const stored = { version: { number: 1, build: "b" }, document: { text, origin: { kind: "http" as const } } };
const policy = { ...emptyContent("acme"), ...stored, at: "2026-01-01T00:00:00Z", by: "x", why: "y" };

const claims = {
  iss: "i",
  kid: "k",
  login_at: "2026-01-01T00:00:00Z",
  roles: [],
  groups: [],
  scope: undefined,
};

/** A token says who has it: `<subject>-<session>-<tenant>`. Some are about to end, or over. */
const verify = async (token: string) => {
  const [sub = "", sid = "", tenant_id = "acme"] = token.split("-");
  if (sid === "over") throw new AppError("token_expired", "the access token has expired");
  if (sub === "broken") throw new AppError("token_invalid", "the access token is not valid");
  if (sub === "fault") throw new TypeError("a fault of ours");
  const exp = sid === "ending" ? Math.floor(Date.now() / 1_000) + 50 : 4_000_000_000;
  return { ...claims, exp, sub, sid, tenant_id };
};

/** A refresh token says whom it renews: `<subject>.<generation>`. */
const renew = async (token: string) => {
  const [sub = ""] = token.split(".");
  if (sub === "away") throw new AppError("unavailable", "auth is away");
  return sub === "spent" ? undefined : { accessToken: `${sub}-renewed`, sessionRemainingSeconds: 600 };
};

describe("Envoy's external authorization", () => {
  const metrics = createPolicyMetrics(createMetricsRegistry());
  let isAway = false;
  let server: GrpcServer;
  let client: AuthorizationClient;

  beforeAll(async () => {
    const read = async (tenant: string) => {
      if (isAway) throw new AppError("unavailable", "the store does not answer");
      return tenant === "acme" ? { policy, revision: 1 } : undefined;
    };
    const admitting = {
      verify,
      sessions: {
        rightsOf: async ({ sid }: SessionOfToken) => {
          if (sid === "ended") throw new AppError("session_ended", "the session has ended");
          return { roles: [], groups: [] };
        },
      },
      tenantEnds: { hasEnded: async () => false },
      snapshots: new Snapshots({ store: { read }, compiler: compileHere(), onSwap: () => undefined }),
      wall: () => Date.now(),
      ownIssuer: "auth",
      allowedOrigins: ["https://app.test"],
      cookies: createTokenCookies(
        z.object(cookieSettings).extend({ AUTH_ISSUER: z.string() }).parse({ AUTH_ISSUER: "i" }),
      ),
      isOutside: () => false,
      renew,
    };
    const log = createLogger("test", "silent");
    const service = createAuthorizationService(admitting, metrics, limitLines(log));
    server = await startGrpcServer({ host: "127.0.0.1", port: 0, setting: "NONE" }, [[AuthorizationService, service]]);
    client = new AuthorizationClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  });
  afterAll(async () => {
    client.close();
    await server[Symbol.asyncDispose]();
  });

  const check = (headers: Record<string, string>, path = "/orders/42", method = "GET"): Promise<CheckResponse> => {
    const http = { method, path, host: "shop.test", headers };
    return callUnary(client.check.bind(client), { attributes: { request: { http } } }, { timeoutMs: 30_000 });
  };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const statusOf = ({ httpResponse }: CheckResponse): number =>
    httpResponse?.$case === "deniedResponse" ? (httpResponse.value.status?.code ?? 0) : 200;

  it("lets a request go on that the routes and rules allow, under names that replace what the client sent", async () => {
    expect(await check({ ...bearer("alice-s1"), "x-sluice-subject": "carol" }, "/orders/42?full=1")).toEqual({
      status: { code: 0, message: "" },
      httpResponse: {
        $case: "okResponse",
        value: {
          headers: [
            { header: { key: "x-sluice-subject", value: "alice" }, append: false },
            { header: { key: "x-sluice-tenant", value: "acme" }, append: false },
          ],
          headersToRemove: ["x-refresh-token"],
          responseHeadersToAdd: [],
        },
      },
    });
  });

  it("denies with a problem document that leads to the request the gateway named", async () => {
    const { httpResponse } = await check({ ...bearer("bob-s1"), "x-request-id": "at-the-gateway" });
    const denied = httpResponse?.$case === "deniedResponse" ? httpResponse.value : undefined;
    expect(denied?.headers).toContainEqual({ header: { key: "x-request-id", value: "at-the-gateway" }, append: false });
    expect(JSON.parse(denied?.body ?? "")).toMatchObject({
      code: "forbidden",
      detail: expect.any(String),
      instance: "urn:sluice:request:at-the-gateway",
    });
  });

  it.each([
    ["no token", {}, 401],
    ["a broken token", bearer("broken"), 401],
    ["a broken token beside a good cookie", { ...bearer("broken"), cookie: "auth_token=alice-s1" }, 401],
    ["two tokens", { ...bearer("alice-s1"), "x-auth-token": "bob-s1" }, 400],
    ["two tokens joined by the gateway", { authorization: "Bearer alice-s1,Bearer bob-s1" }, 400],
    ["an ended session", bearer("alice-ended"), 401],
    ["somebody without the permission", bearer("bob-s1"), 403],
    ["a tenant that does not exist", bearer("alice-s1-nowhere"), 403],
    ["a good cookie", { cookie: "a=b; auth_token=alice-s1" }, 200],
    ["a cookie from a page on the list", { cookie: "auth_token=alice-s1", origin: "https://app.test" }, 200],
    ["a cookie from a page of the host", { cookie: "auth_token=alice-s1", origin: "https://shop.test" }, 200],
    ["a cookie from another page", { cookie: "auth_token=alice-s1", origin: "https://evil.test" }, 403],
    ["two cookies, of which one is another host's", { cookie: "auth_token=broken; auth_token=alice-s1" }, 200],
    ["the cookies of two persons", { cookie: "auth_token=bob-s1; auth_token=alice-s1" }, 400],
    ["a cookie across sites", { cookie: "auth_token=alice-s1", "sec-fetch-site": "cross-site" }, 403],
  ])("answers %s", async (_, headers, status) => {
    expect(statusOf(await check(headers))).toBe(status);
  });

  it.each([
    ["/orders/42", "POST"],
    ["/orders", "GET"],
    ["/orders/42/../43", "GET"],
    ["/orders/42?access_token=x", "GET"],
    ["", ""],
  ])("does not let %j go on by %j", async (path, method) => {
    expect(statusOf(await check(bearer("alice-s1"), path, method))).toBeGreaterThanOrEqual(400);
  });

  it("tells a refusal as the edge does: problem, challenge, when to try again", async () => {
    const { status, httpResponse } = await check({});
    expect(status?.code).toBe(16);
    expect(httpResponse).toMatchObject({ $case: "deniedResponse", value: { status: { code: 401 } } });
    const denied = httpResponse?.$case === "deniedResponse" ? httpResponse.value : undefined;
    expect(JSON.parse(denied?.body ?? "")).toMatchObject({ status: 401, code: "token_missing" });
    expect(denied?.headers.map(({ header }) => header?.key)).toEqual(
      expect.arrayContaining(["content-type", "www-authenticate"]),
    );
  });

  /** What goes on to the server behind, and what comes back to the client, by name. */
  const changesOf = async (headers: Record<string, string>) => {
    const { httpResponse } = await check(headers);
    if (httpResponse?.$case !== "okResponse") throw new Error(`denied: ${JSON.stringify(httpResponse)}`);
    const byName = (options: readonly HeaderValueOption[]) =>
      Object.fromEntries(options.map(({ header }) => [header?.key, header?.value]));
    return { behind: byName(httpResponse.value.headers), inFront: byName(httpResponse.value.responseHeadersToAdd) };
  };

  it.each(["ending", "over"])(
    "renews a cookie's token that is %s by the refresh cookie, for the browser and the server",
    async (session) => {
      const { behind, inFront } = await changesOf({ cookie: `auth_token=alice-${session}; refresh_token=alice.1` });
      expect(behind).toMatchObject({ authorization: "Bearer alice-renewed", "x-sluice-subject": "alice" });
      expect(inFront).toEqual({
        "x-access-token-renewed": "true",
        "cache-control": "no-store",
        "set-cookie": "auth_token=alice-renewed; Max-Age=600; Path=/; HttpOnly; SameSite=Lax",
      });
    },
  );

  it("renews an explicit token by X-Refresh-Token, where it stood", async () => {
    const refresh = { "x-refresh-token": "alice.1" };
    for (const headers of [bearer("alice-over"), bearer("alice-ending"), {}]) {
      const { behind, inFront } = await changesOf({ ...headers, ...refresh });
      expect(behind).toMatchObject({ authorization: "Bearer alice-renewed" });
      expect(inFront).toEqual({
        "x-access-token-renewed": "true",
        "cache-control": "no-store",
        "x-access-token": "alice-renewed",
      });
    }
    const { behind } = await changesOf({ "x-auth-token": "alice-over", ...refresh });
    expect(behind).toMatchObject({ "x-auth-token": "alice-renewed" });
    expect(behind).not.toHaveProperty("authorization");
  });

  it("goes on by a token that still holds where it is not renewed", async () => {
    for (const refresh of ["spent.1", "away.1"]) {
      const headers = [
        { ...bearer("alice-ending"), "x-refresh-token": refresh },
        { cookie: `auth_token=alice-ending; refresh_token=${refresh}` },
      ];
      for (const each of headers) expect((await changesOf(each)).inFront).toEqual({});
    }
  });

  it.each([
    ["an explicit token by a cookie", { ...bearer("alice-over"), cookie: "refresh_token=alice.1" }, 401],
    ["a cookie by a spent token", { cookie: "auth_token=alice-over; refresh_token=spent.1" }, 401],
    ["a broken explicit token", { ...bearer("broken"), "x-refresh-token": "alice.1" }, 401],
    ["a cookie of another page", { cookie: "refresh_token=alice.1", origin: "https://evil.test" }, 403],
    ["one person's token by another's", { ...bearer("alice-ending"), "x-refresh-token": "bob.1" }, 400],
    ["while auth is away", { cookie: "auth_token=alice-over; refresh_token=away.1" }, 503],
    ["for somebody who may not", { cookie: "refresh_token=bob.1" }, 403],
  ])("does not renew %s", async (_, headers, answered) => {
    const answer = await check(headers);
    expect(statusOf(answer)).toBe(answered);
    expect(JSON.stringify(answer)).not.toContain("renewed");
  });

  it("denies while it cannot know, and where it fails itself", async () => {
    isAway = true;
    expect(statusOf(await check(bearer("alice-s1")))).toBe(503);
    isAway = false;
    expect(statusOf(await check(bearer("fault")))).toBe(500);
    const nothing = await callUnary(client.check.bind(client), {}, { timeoutMs: 30_000 });
    expect(statusOf(nothing)).toBe(401);
  });
});

test("the messages are Envoy's on the wire: attributes.request.http, its field numbers, unknown fields passed over", () => {
  const field = (number: number, bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
  const utf8 = (number: number, value: string): Buffer => field(number, Buffer.from(value));
  const header = field(3, Buffer.concat([utf8(1, "authorization"), utf8(2, "Bearer t")]));
  const size = Buffer.from([(9 << 3) | 0, 1]);
  const http = Buffer.concat([
    utf8(1, "id"),
    utf8(2, "GET"),
    header,
    utf8(4, "/a"),
    utf8(5, "h"),
    utf8(6, "https"),
    size,
  ]);
  const time = utf8(1, "");
  const attributes = Buffer.concat([utf8(1, ""), utf8(2, ""), field(4, Buffer.concat([time, field(2, http)]))]);
  expect(CheckRequest.decode(field(1, attributes)).attributes?.request?.http).toEqual({
    method: "GET",
    headers: { authorization: "Bearer t" },
    path: "/a",
    host: "h",
  });
  const denied: CheckResponse = {
    status: { code: 7, message: "no" },
    httpResponse: {
      $case: "deniedResponse",
      value: { status: { code: 403 }, headers: [{ header: { key: "k", value: "v" }, append: false }], body: "b" },
    },
  };
  const option = Buffer.concat([field(1, Buffer.concat([utf8(1, "k"), utf8(2, "v")])), field(2, Buffer.alloc(0))]);
  const code = field(1, Buffer.from([8, 0x93, 0x03]));
  const status = field(1, Buffer.concat([Buffer.from([8, 7]), utf8(2, "no")]));
  expect(Buffer.from(CheckResponse.encode(denied).finish())).toEqual(
    Buffer.concat([status, field(2, Buffer.concat([code, field(2, option), utf8(3, "b")]))]),
  );
});
