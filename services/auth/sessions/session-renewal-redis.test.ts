import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "#shared/time/clock.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { connectRedis } from "./connect-redis.ts";
import { readRedisSettings } from "./redis-settings.ts";
import { createSessionStore } from "./session-store-redis.ts";
import type { Session, SessionIndex, SessionStore } from "./session.ts";

let server: RedisServer;
let redis: Redis;
let store: SessionStore & SessionIndex;

beforeAll(async () => {
  server = await startRedis();
  redis = await connectRedis(readRedisSettings({ REDIS_URL: server.url }));
  const keys = { refresh: [new Uint8Array(32).fill(1)] } as const;
  store = createSessionStore(redis, { idleMs: 3_600_000, clock: systemClock, keys, onForged: () => undefined });
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

async function newSession(lifeMs = 600_000): Promise<Session> {
  const [sid, loginAt, endsAt] = [randomUUID(), new Date().toISOString(), Date.now() + lifeMs];
  const session = { sid, tenant: "acme", subject: "ann", clientId: "web", device: "curl/8", loginAt, endsAt };
  await store.create(session);
  return session;
}

describe("a renewal", () => {
  const againMs = 60_000;
  const renew = (sid: string, generation: number, purpose: "stream" | "requests" = "stream") =>
    store.renew(sid, generation, { purpose, againMs });

  test("is given again for a minute, and each purpose and generation has its own", async () => {
    const { sid } = await newSession();
    const first = await renew(sid, 1);
    expect(first).toMatchObject({ verdict: "current", isNew: true });
    expect(await renew(sid, 1)).toEqual({ ...first, isNew: false });
    expect(await renew(sid, 1, "requests")).toMatchObject({ isNew: true });
    const field = (await redis.hget(`sluice:session:{${sid}}`, "renewed_stream_1")) ?? "";
    const [, at = ""] = field.split(" ");
    await redis.hset(`sluice:session:{${sid}}`, "renewed_stream_1", field.replace(at, String(Number(at) - againMs)));
    expect(await renew(sid, 1)).toMatchObject({ isNew: true });
    await store.rotate(sid, 1);
    expect(await renew(sid, 2)).toMatchObject({ verdict: "current", isNew: true });
    expect(await renew(sid, 1)).toMatchObject({ verdict: "repeated", isNew: false });
    expect(await renew(sid, 2)).toMatchObject({ isNew: false });
  });

  test("counts as activity: who is renewed by at every request is not idle", async () => {
    const { sid } = await newSession();
    const before = (await store.find(sid))?.lastSeenAt ?? 0;
    await expect.poll(() => Date.now()).toBeGreaterThan(before);
    await renew(sid, 1, "requests");
    expect((await store.find(sid))?.lastSeenAt).toBeGreaterThan(before);
  });

  test("by a token that was spent long ago ends the family, which spends nothing else", async () => {
    const { sid } = await newSession();
    for (const generation of [1, 2]) await store.rotate(sid, generation);
    await redis.hincrby(`sluice:session:{${sid}}`, "spent_at", -11_000);
    expect(await renew(sid, 2)).toMatchObject({ verdict: "reused" });
    expect(await renew(sid, 3)).toMatchObject({ verdict: "reused" });
    expect(await store.find(sid)).toMatchObject({ isLive: false, generation: 3 });
  });
});

test("sessions are counted over all tenants until they end", async () => {
  const before = await store.count();
  const { sid } = await newSession();
  expect(await store.count()).toBe(before + 1);
  await store.end(sid);
  expect(await store.count()).toBe(before);
});

test("the sessions of a subject leave the index when a new one comes and they are over, and the index leaves with the last", async () => {
  const session = { ...(await newSession(500)), subject: "short" };
  await store.create(session);
  await expect.poll(() => redis.exists("sluice:sessions:{acme.short}")).toBe(0);
  expect(await store.ofSubject("acme", "short")).toEqual([]);
});

test("the sessions of a subject are found behind a thousand that have ended, and behind those that were looked at before", async () => {
  const subject = "many";
  const [one, two] = [await newSession(600_000), await newSession(700_000)];
  for (const session of [one, two]) await store.create({ ...session, subject });
  const ended = Array.from({ length: 1_000 }, (_, index) => [two.endsAt + 1 + index, `ended-${index}`]).flat();
  await redis.zadd("sluice:sessions:{acme.many}", ...ended);
  expect((await store.ofSubject("acme", subject)).map(({ sid }) => sid)).toEqual([two.sid, one.sid]);
  expect((await store.ofSubject("acme", subject, 1)).map(({ sid }) => sid)).toEqual([one.sid]);
});
