import { randomUUID } from "node:crypto";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AppError } from "#shared/errors/app-error.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { connectService } from "#test/support/connect-service.ts";
import { systemClock as clock } from "#shared/time/clock.ts";
import { createTenantLog, readSessionEntries } from "#test/support/start-auth.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { createRevocationAnnouncer } from "../bus/announce-revocation.ts";
import { createSessionCheck } from "./check-sessions.ts";
import { connectRedis } from "./connect-redis.ts";
import { readRedisSettings } from "./redis-settings.ts";
import { createRefreshSession } from "./refresh-session.ts";
import { openRevocations } from "./revocations-kv.ts";
import { createSessionRevoker } from "./revoke-session.ts";
import { createSessionStore } from "./session-store-redis.ts";

const RACES = 1_000;
const AT_ONCE = 20;

const log = limitLines(createLogger("test", "silent"));
const keys = { refresh: [new Uint8Array(32)] } as const;
const ann = { tenant: "acme", username: "ann", roles: [], groups: [] };

let server: NatsServer;
let redisServer: RedisServer;
let nats: NatsConnection;
let redis: Redis;

beforeAll(async () => {
  [server, redisServer] = await Promise.all([startNats(), startRedis()]);
  await createTenantLog(server, "acme");
  nats = await connectService(server.url("auth"));
  redis = await connectRedis(readRedisSettings({ REDIS_URL: redisServer.url }));
});
afterAll(async () => {
  redis.disconnect();
  await nats.close();
  await redisServer[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

test("of 1000 sessions that are revoked while they are refreshed, none survives", async () => {
  const revocations = await openRevocations(nats, { replicas: 1, sessionMs: 600_000 });
  const sessions = createSessionStore(redis, { idleMs: 600_000, clock, keys, onForged: () => {} });
  const audit = { note: () => {}, record: async () => {} };
  const revoke = createSessionRevoker({
    revocations,
    announce: createRevocationAnnouncer(nats),
    sessions,
    audit,
    log,
  });
  const findSubject = () => ann;
  const issueTokens = async ({ sid }: { readonly sid: string }) => ({
    accessToken: "",
    refreshToken: "",
    expiresInSeconds: 1,
    sid,
    sessionRemainingSeconds: 1,
  });
  const refresh = createRefreshSession({ sessions, revocations, findSubject, revoke, issueTokens, audit, log });
  const check = createSessionCheck({
    revocations,
    sessions,
    findSubject,
    keys: { jwks: { keys: [] } },
    accessTokenSeconds: 300,
    clock,
  });
  const refreshed = (sid: string, generation: number) =>
    refresh({ family: sid, generation }, { address: "127.0.0.1" }).then(
      () => "ok",
      ({ code }: AppError) => code,
    );

  const race = async (): Promise<void> => {
    const who = { tenant: "acme", subject: "ann", clientId: "web", device: "test" };
    const session = { sid: randomUUID(), ...who, loginAt: new Date().toISOString(), endsAt: Date.now() + 600_000 };
    await sessions.create(session);
    const [first] = await Promise.all([refreshed(session.sid, 1), revoke(session, { reason: "logout" })]);
    expect(["ok", "session_ended"]).toContain(first);
    const question = { ...who, sid: session.sid, tokenExpiresAt: Date.now() / 1000 + 60 };
    const answers = await check([
      { ...question, extend: false },
      { ...question, extend: true },
    ]);
    expect(answers).toEqual([{ state: "revoked" }, { state: "revoked" }]);
    for (const generation of [1, 2, 3]) expect(await refreshed(session.sid, generation)).toBe("session_ended");
  };
  for (let done = 0; done < RACES; done += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, race));
  expect(await readSessionEntries(server, "acme")).toHaveLength(RACES);
});
