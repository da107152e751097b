import { expect, test } from "vitest";
import { createRouteRig } from "#test/rigs/route-rig.ts";
import type { PersonsQuestion } from "../ask-presence.ts";
import { addPresenceRoutes, type PresenceRoute } from "./presence-route.ts";

const NOTHING = { people: [], hasMore: false, count: { people: 0, devices: 0 }, topics: [], partial: false };
function setUp(change: Partial<PresenceRoute> = {}) {
  const asked: PersonsQuestion[] = [];
  const { api, reading, ask } = createRouteRig({ perAddressPerMinute: 3 });
  addPresenceRoutes(api, {
    ...reading,
    edge: { hub: { tenant: () => undefined }, overload: { isRefusing: false } },
    askPresence: async (question) => (asked.push(question), NOTHING),
    ...change,
  });
  return { asked, get: (path: string) => ask("GET", path) };
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
