import { BlockList } from "node:net";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { toAppError } from "#shared/errors/app-error.ts";
import { createTokenCookies } from "#shared/http/token-cookies.ts";
import type { PersonsQuestion } from "../ask-presence.ts";
import { CallLimits, createCallRates } from "../admission/call-limits.ts";
import { SharedCounts } from "#shared/limits/shared-counts.ts";
import { addPresenceRoutes, type PresenceRoute } from "./presence-route.ts";

const NOTHING = { people: [], hasMore: false, count: { people: 0, devices: 0 }, topics: [], partial: false };
const CLAIMS = {
  iss: "i",
  sub: "kim",
  exp: 4_000_000_000,
  iat: 1,
  jti: "j",
  client_id: "web",
  sid: "s",
  tenant_id: "acme",
  login_at: "2026-01-01T00:00:00Z",
  roles: [],
  groups: [],
  scope: undefined,
  kid: "key-1",
};

function setUp(change: Partial<PresenceRoute> = {}) {
  const asked: PersonsQuestion[] = [];
  const limits = {
    perAddressPerMinute: 3,
    perSubjectPerMinute: 100,
    acksPerAddressPerMinute: 1,
    acksPerSubjectPerMinute: 1,
    wall: () => 0,
  };
  const api = new Hono();
  api.onError((thrown, c) => c.json({ code: toAppError(thrown).code }, 400));
  addPresenceRoutes(api, {
    verify: async () => CLAIMS,
    cookies: createTokenCookies({
      AUTH_ISSUER: "http://localhost:8081",
      AUTH_COOKIE_SAME_SITE: "lax",
      AUTH_COOKIE_PARTITIONED: "0",
      AUTH_COOKIE_NAME_PREFIX: "",
    }),
    allowedOrigins: [],
    trusted: { proxies: new BlockList(), header: "x-forwarded-for" },
    callLimits: new CallLimits(createCallRates(new SharedCounts(1), limits), limits),
    edge: { hub: { tenant: () => undefined }, overload: { isRefusing: false } },
    askPresence: async (question) => (asked.push(question), NOTHING),
    ...change,
  });
  const incoming = { socket: { remoteAddress: "198.51.100.7" }, headers: {}, headersDistinct: {} };
  const get = async (path: string) => {
    const response = await api.request(path, { headers: { authorization: "Bearer t" } }, { incoming });
    return (await response.json()) as Record<string, unknown>;
  };
  return { asked, get };
}

test("each question needs the least permission that does, for the topic it is about, in the caller's tenant", async () => {
  const { asked, get } = setUp();
  await get("/v1/presence?topic=order.*.42");
  await get("/v1/presence?topic=order.*.42&count=true");
  await get("/v1/presence/bob?topics=true");
  expect(asked.map(({ identity, permissions, question }) => [identity.tenant, permissions, question.topic])).toEqual([
    ["acme", ["presence:read"], "order.*.42"],
    ["acme", ["presence:read", "presence:count"], "order.*.42"],
    ["acme", ["presence:topics"], ">"],
  ]);
});

test("a network that asks too often is refused before anything of its requests is read, malformed ones too", async () => {
  const { asked, get } = setUp();
  for (let n = 0; n < 3; n += 1) expect(await get("/v1/presence?topic=")).toEqual({ code: "malformed_topic" });
  expect(await get("/v1/presence?topic=")).toEqual({ code: "too_many_requests" });
  expect(asked).toEqual([]);
});

test("an overloaded edge asks nobody", async () => {
  const { asked, get } = setUp({ edge: { hub: { tenant: () => undefined }, overload: { isRefusing: true } } });
  expect(await get("/v1/presence?topic=order.*")).toEqual({ code: "unavailable" });
  expect(asked).toEqual([]);
});
