import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLogger } from "#shared/log/create-logger.ts";
import { systemClock } from "#shared/time/clock.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { connectRedis } from "./connect-redis.ts";
import { createSessionStore } from "./session-store-redis.ts";
import type { Session, SessionStore } from "./session.ts";

let server: RedisServer;
let redis: Redis;
let store: SessionStore;

beforeAll(async () => {
  server = await startRedis();
  redis = await connectRedis(server.url, createLogger("test", "silent"));
  store = createSessionStore(redis, systemClock);
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

async function newSession(): Promise<Session> {
  const session: Session = {
    sid: randomUUID(),
    tenant: "acme",
    subject: "ann",
    clientId: "web",
    loginAt: new Date().toISOString(),
    endsAt: Date.now() + 60_000,
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
    expect(await store.find(session.sid)).toEqual({ ...session, isLive: true });
    const ttlMs = await redis.pttl(`sluice:session:{${session.sid}}`);
    expect(ttlMs).toBeGreaterThan(50_000);
    expect(ttlMs).toBeLessThanOrEqual(60_000);
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

describe("a refresh token", () => {
  test("is spent once for its successor, and the answer tells the session", async () => {
    const session = await newSession();
    expect(await store.rotate(session.sid, 1)).toEqual({ verdict: "rotated", session });
    expect(await verdictAfter(session.sid, 2, 3, 4)).toBe("rotated");
  });

  test("that 64 requests present at once has one successor, the same for all", async () => {
    const { sid } = await newSession();
    const rotations = await Promise.all(Array.from({ length: 64 }, () => store.rotate(sid, 1)));
    expect(new Set(rotations.map(({ verdict }) => verdict))).toEqual(new Set(["rotated"]));
    expect(await redis.hget(`sluice:session:{${sid}}`, "generation")).toBe("2");
  });

  test("gives the same successor again within 10 s of its first use", async () => {
    const { sid } = await newSession();
    await store.rotate(sid, 1);
    await age(sid, 9_000);
    expect(await verdictAfter(sid, 1)).toBe("rotated");
  });

  test("starts no new 10 s when it comes again", async () => {
    const { sid } = await newSession();
    await store.rotate(sid, 1);
    await age(sid, 9_000);
    await store.rotate(sid, 1);
    await age(sid, 2_000);
    expect(await verdictAfter(sid, 1)).toBe("reused");
  });

  test("that comes back later than 10 s after its first use kills the family", async () => {
    const { sid } = await newSession();
    await store.rotate(sid, 1);
    await age(sid, 10_500);
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
    expect(await verdictAfter(sid, 5)).toBe("rotated");
    expect(await verdictAfter(sid, 3)).toBe("reused");
  });

  test("of a session the store does not have is ended", async () => {
    expect(await verdictAfter("unknown", 1)).toBe("ended");
    expect(await redis.exists("sluice:session:{unknown}")).toBe(0);
  });

  test("keeps its generation and its session over the sudden death of Redis", async () => {
    const { sid } = await newSession();
    await store.rotate(sid, 1);
    await redis.config("SET", "appendfsync", "always");
    await store.rotate(sid, 2);
    await server.stop("SIGKILL");
    await expect(store.rotate(sid, 3)).rejects.toThrow(expect.objectContaining({ code: "unavailable" }));
    await server.start();
    await expect.poll(() => store.find(sid).catch(() => undefined), { timeout: 5_000 }).toMatchObject({ sid });
    expect(await verdictAfter(sid, 1)).toBe("reused");
  });
});
