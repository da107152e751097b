import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "#shared/time/clock.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { urlThrough } from "#test/support/start-stack.ts";
import { startTcpProxy } from "#test/support/tcp-proxy.ts";
import { connectRedis } from "./connect-redis.ts";
import { readRedisSettings } from "./redis-settings.ts";
import { createSessionStore } from "./session-store-redis.ts";
import type { Session, SessionActivity, SessionIndex, SessionStore } from "./session.ts";

let server: RedisServer;
let redis: Redis;
let store: SessionStore & SessionActivity & SessionIndex;
/** How far auth's clock is ahead of this machine's. */
let aheadMs = 0;
let forged: string[] = [];

const IDLE_MS = 3_600_000;

const deps = {
  idleMs: IDLE_MS,
  clock: { ...systemClock, wall: () => Date.now() + aheadMs },
  keys: { refresh: [new Uint8Array(32).fill(1)] },
  onForged: (sid: string) => void forged.push(sid),
} as const;

beforeAll(async () => {
  server = await startRedis();
  redis = await connectRedis(readRedisSettings({ REDIS_URL: server.url }));
  store = createSessionStore(redis, deps);
});
beforeEach(() => {
  aheadMs = 0;
  forged = [];
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

async function newSession(lifeMs = 600_000): Promise<Session> {
  const session: Session = {
    sid: randomUUID(),
    tenant: "acme",
    subject: "ann",
    clientId: "web",
    device: "curl/8",
    loginAt: new Date().toISOString(),
    endsAt: Date.now() + lifeMs,
  };
  await store.create(session);
  return session;
}

/** Presents the generations one after the other and gives the last verdict. */
async function verdictAfter(sid: string, ...generations: number[]): Promise<string> {
  let verdict = "none";
  for (const generation of generations) ({ verdict } = await store.rotate(sid, generation));
  return verdict;
}

/** Makes the first use of the current generation's parent older. */
async function age(sid: string, ms: number): Promise<void> {
  const spentAt = Number(await redis.hget(`sluice:session:{${sid}}`, "spent_at"));
  await redis.hset(`sluice:session:{${sid}}`, "spent_at", spentAt - ms);
}

function rewind(sid: string, generation: number): Promise<number> {
  return redis.hset(`sluice:session:{${sid}}`, "generation", generation);
}

describe("a session", () => {
  test("is found as it was stored, until Redis forgets it when it is over", async () => {
    const session = await newSession();
    expect(await store.find(session.sid)).toMatchObject({ ...session, isLive: true, generation: 1 });
    const ttlMs = await redis.pttl(`sluice:session:{${session.sid}}`);
    expect(ttlMs).toBeGreaterThan(590_000);
    expect(ttlMs).toBeLessThanOrEqual(600_000);
    expect(await store.find("unknown")).toBeUndefined();
  });

  test("that was ended is kept dead, and ending an unknown one leaves nothing behind", async () => {
    const { sid } = await newSession();
    await store.end(sid);
    await store.end(sid);
    expect(await store.find(sid)).toMatchObject({ isLive: false });
    expect(await verdictAfter(sid, 1)).toBe("ended");
    await store.end("unknown");
    expect(await redis.exists("sluice:session:{unknown}")).toBe(0);
  });
});

describe("an idle session", () => {
  test("of which nothing was seen for an hour is over: no refresh, no touch brings it back", async () => {
    const { sid } = await newSession(2 * IDLE_MS);
    aheadMs = IDLE_MS + 1_000;
    expect(await store.touch(sid)).toMatchObject({ isLive: false });
    expect(await verdictAfter(sid, 1)).toBe("idle");
    expect(await store.find(sid)).toMatchObject({ isLive: false, generation: 1 });
  });

  test("is kept alive by a refresh and by a touch", async () => {
    const { sid } = await newSession(5 * IDLE_MS);
    for (const use of [() => store.rotate(sid, 1), () => store.touch(sid)]) {
      aheadMs += IDLE_MS - 5_000;
      await use();
      aheadMs += IDLE_MS - 5_000;
      expect(await store.find(sid)).toMatchObject({ isLive: true });
      await store.touch(sid);
    }
  });

  test("is written to once a minute at most, however often it is touched", async () => {
    const { sid } = await newSession();
    aheadMs = 59_000;
    const before = await store.find(sid);
    expect(await store.touch(sid)).toEqual(before);
    aheadMs += 1_500;
    expect((await store.touch(sid))?.lastSeenAt).toBeGreaterThan((before?.lastSeenAt ?? 0) + 58_000);
  });
});

describe("the absolute lifetime", () => {
  test("with less than 300 s left renews no more, but a lost reply is still given again", async () => {
    const { sid } = await newSession(600_000);
    await store.rotate(sid, 1);
    aheadMs = 301_000;
    expect(await verdictAfter(sid, 1)).toBe("repeated");
    expect(await verdictAfter(sid, 2)).toBe("lifetime");
    expect(await store.find(sid)).toMatchObject({ isLive: true, generation: 2 });
  });

  test("ends although Redis was made to keep the record", async () => {
    const { sid } = await newSession(600_000);
    await redis.persist(`sluice:session:{${sid}}`);
    aheadMs = 600_000;
    expect(await store.find(sid)).toBeUndefined();
    expect(await store.touch(sid)).toBeUndefined();
    expect(await verdictAfter(sid, 1)).toBe("unknown");
    expect(forged).toEqual([]);
  });
});

describe("a record that was changed", () => {
  test("is no session to anybody who asks, and is reported once", async () => {
    const { sid } = await newSession();
    await redis.hset(`sluice:session:{${sid}}`, "subject", "bob");
    expect(await store.find(sid)).toBeUndefined();
    expect(await store.touch(sid)).toBeUndefined();
    expect((await store.peek(sid, 1)).verdict).toBe("unknown");
    expect(await verdictAfter(sid, 1)).toBe("unknown");
    expect(forged).toEqual([sid]);
  });

  test("is a session again with the key that it was sealed with, behind a newer one", async () => {
    const session = await newSession();
    const refresh = [new Uint8Array(32).fill(2), ...deps.keys.refresh] as const;
    const rotated = createSessionStore(redis, { ...deps, keys: { refresh } });
    expect(await rotated.find(session.sid)).toMatchObject(session);
    const withdrawn = createSessionStore(redis, { ...deps, keys: { refresh: [refresh[0]] } });
    expect(await withdrawn.find(session.sid)).toBeUndefined();
  });
});

describe("the sessions of a subject", () => {
  test("are the live ones, youngest first, and the index forgets the others when it is read", async () => {
    const subject = "listed";
    const [one, two, three] = [await newSession(600_000), await newSession(700_000), await newSession(800_000)];
    for (const session of [one, two, three]) await store.create({ ...session, subject });
    await store.end(two.sid);
    expect((await store.ofSubject("acme", subject)).map(({ sid }) => sid)).toEqual([three.sid, one.sid]);
    expect(await redis.zrange("sluice:sessions:{acme.listed}", 0, "-1")).toEqual([one.sid, three.sid]);
    expect(await store.ofSubject("rival", subject)).toEqual([]);
    const beyond = async (most: number) => (await store.beyond("acme", subject, most)).map(({ sid }) => sid);
    expect([await beyond(2), await beyond(1)]).toEqual([[], [one.sid]]);
    await store.end(one.sid);
    expect([await beyond(1), await beyond(0)]).toEqual([[], [three.sid]]);
  });

  test("are only theirs, whatever somebody put into the index", async () => {
    const [own, foreign] = [await newSession(), await newSession()];
    await store.create({ ...own, subject: "robbed" });
    await redis.zadd("sluice:sessions:{acme.robbed}", foreign.endsAt, foreign.sid);
    expect((await store.ofSubject("acme", "robbed")).map(({ sid }) => sid)).toEqual([own.sid]);
    expect(await store.find(foreign.sid)).toMatchObject({ isLive: true });
  });
});

describe("a refresh token", () => {
  test("is spent once for its successor, and the answer tells the session", async () => {
    const session = await newSession();
    expect(await store.rotate(session.sid, 1)).toEqual({ verdict: "rotated", session });
    expect(await verdictAfter(session.sid, 2, 3, 4)).toBe("rotated");
  });

  test("that 64 requests present at once has one successor, the same for all", async () => {
    const { sid } = await newSession();
    const rotations = await Promise.all(Array.from({ length: 64 }, () => store.rotate(sid, 1)));
    expect(rotations.map(({ verdict }) => verdict).toSorted()).toEqual([...Array(63).fill("repeated"), "rotated"]);
    expect(await redis.hget(`sluice:session:{${sid}}`, "generation")).toBe("2");
  });

  test("gives the same successor again within 10 s of its first use", async () => {
    const { sid } = await newSession();
    await store.rotate(sid, 1);
    await age(sid, 9_000);
    expect(await verdictAfter(sid, 1)).toBe("repeated");
  });

  test("starts no new 10 s when it comes again", async () => {
    const { sid } = await newSession();
    await store.rotate(sid, 1);
    await age(sid, 9_000);
    await store.rotate(sid, 1);
    await age(sid, 2_000);
    expect(await verdictAfter(sid, 1)).toBe("reused");
  });

  // An hour before it: the clock of Redis was set back.
  test.each([10_500, -3_600_000])("that comes back %d ms after its first use kills the family", async (ms) => {
    const { sid } = await newSession();
    await store.rotate(sid, 1);
    await age(sid, ms);
    expect(await verdictAfter(sid, 1)).toBe("reused");
    expect(await store.find(sid)).toMatchObject({ isLive: false });
  });

  test("older than the parent kills the family at once", async () => {
    const { sid } = await newSession();
    expect(await verdictAfter(sid, 1, 2, 1)).toBe("reused");
  });

  test("of a dead family is reused until the end is recorded, then ended, whichever generation", async () => {
    const { sid } = await newSession();
    await verdictAfter(sid, 1, 2, 1);
    expect(await verdictAfter(sid, 3)).toBe("reused");
    expect(await verdictAfter(sid, 2)).toBe("reused");
    await store.end(sid);
    for (const generation of [1, 2, 3, 4]) expect(await verdictAfter(sid, generation)).toBe("ended");
  });

  test("newer than the store knows repairs the store and accuses nobody", async () => {
    const { sid } = await newSession();
    await verdictAfter(sid, 1, 2, 3, 4);
    await rewind(sid, 2);
    expect(await verdictAfter(sid, 5)).toBe("rotated");
    expect(await redis.hget(`sluice:session:{${sid}}`, "generation")).toBe("6");
    expect(await verdictAfter(sid, 5)).toBe("repeated");
    expect(await verdictAfter(sid, 3)).toBe("reused");
  });

  test("that was spent with its answer lost has the same successor however late it comes, and then for 10 s more", async () => {
    await using toRedis = await startTcpProxy(server.port);
    const cutOff = await connectRedis(readRedisSettings({ REDIS_URL: urlThrough(toRedis.port, server.url) }));
    const { sid } = await newSession();
    const other = createSessionStore(cutOff, deps);
    toRedis.loseNextReply();
    await expect(other.rotate(sid, 1)).rejects.toMatchObject({ code: "unavailable" });
    cutOff.disconnect();
    await age(sid, 60_000);
    expect((await store.peek(sid, 1)).verdict).toBe("repeated");
    expect(await verdictAfter(sid, 1)).toBe("repeated");
    await age(sid, 9_000);
    expect(await verdictAfter(sid, 1)).toBe("repeated");
    await age(sid, 2_000);
    expect(await verdictAfter(sid, 1)).toBe("reused");
  });

  test("that is peeked at is judged as it would be spent, and nothing is written", async () => {
    const { sid } = await newSession();
    const before = await redis.hgetall(`sluice:session:{${sid}}`);
    expect(await store.peek(sid, 1)).toMatchObject({ verdict: "current", session: { sid, subject: "ann" } });
    expect(await redis.hgetall(`sluice:session:{${sid}}`)).toEqual(before);
    await verdictAfter(sid, 1, 2);
    expect((await store.peek(sid, 1)).verdict).toBe("reused");
    expect((await store.peek(sid, 3)).verdict).toBe("current");
    expect((await store.peek("unknown", 1)).verdict).toBe("unknown");
  });

  test("of a session the store does not have is unknown", async () => {
    expect(await verdictAfter("unknown", 1)).toBe("unknown");
    expect(await redis.exists("sluice:session:{unknown}")).toBe(0);
  });

  test("keeps its generation and its session over the sudden death of Redis", async () => {
    const { sid } = await newSession();
    await store.rotate(sid, 1);
    const admin = new Redis(server.adminUrl);
    await admin.config("SET", "appendfsync", "always");
    admin.disconnect();
    await store.rotate(sid, 2);
    await server.stop("SIGKILL");
    await expect(store.rotate(sid, 3)).rejects.toThrow(expect.objectContaining({ code: "unavailable" }));
    await server.start();
    await expect.poll(() => store.find(sid).catch(() => undefined)).toMatchObject({ sid });
    expect(await verdictAfter(sid, 1)).toBe("reused");
  });
});
