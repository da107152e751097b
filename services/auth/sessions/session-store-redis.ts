import type { Redis, Result } from "ioredis";
import type { Clock } from "#shared/time/clock.ts";
import { callRedis } from "./connect-redis.ts";
import { END, ROTATE } from "./rotate-script.ts";
import type { Rotation, Session, SessionStore } from "./session.ts";

declare module "ioredis" {
  interface RedisCommander<Context> {
    rotateSession(key: string, generation: number, graceMs: number): Result<[string, ...string[]], Context>;
    endSession(key: string): Result<null, Context>;
  }
}

/** How long a spent refresh token still gets the same successor: two tabs, or a reply that was lost. */
export const GRACE_MS = 10_000;

/** Sessions in Redis: one hash each, which Redis forgets when the session is over. */
export function createSessionStore(redis: Redis, clock: Clock): SessionStore {
  redis.defineCommand("rotateSession", { numberOfKeys: 1, lua: ROTATE });
  redis.defineCommand("endSession", { numberOfKeys: 1, lua: END });
  return {
    async create(session) {
      const key = keyOf(session.sid);
      // A duration, because the clock of Redis may differ from the one that `endsAt` was read from.
      const remainingMs = session.endsAt - clock.wall();
      await callRedis(redis.multi().hset(key, encode(session)).pexpire(key, remainingMs).exec());
    },
    async find(sid) {
      const record = await callRedis(redis.hgetall(keyOf(sid)));
      if (record["generation"] === undefined) return undefined;
      return { ...decode(sid, record), isLive: record["ended"] === undefined };
    },
    async rotate(sid, generation) {
      const answer = await callRedis(redis.rotateSession(keyOf(sid), generation, GRACE_MS));
      return rotationOf(sid, answer);
    },
    async end(sid) {
      await callRedis(redis.endSession(keyOf(sid)));
    },
  };
}

/** Where a session is kept. */
export function keyOf(sid: string): string {
  return `sluice:session:{${sid}}`;
}

function encode({ tenant, subject, clientId, loginAt, endsAt }: Session): Record<string, string | number> {
  return { tenant, subject, client_id: clientId, login_at: loginAt, ends_at: endsAt, generation: 1 };
}

function decode(sid: string, record: Record<string, string>): Session {
  const { tenant = "", subject = "", client_id = "", login_at = "", ends_at } = record;
  return { sid, tenant, subject, clientId: client_id, loginAt: login_at, endsAt: Number(ends_at) };
}

function rotationOf(sid: string, [verdict, ...fields]: readonly [string, ...string[]]): Rotation {
  if (verdict !== "rotated" && verdict !== "reused") return { verdict: "ended" };
  const [tenant = "", subject = "", clientId = "", loginAt = "", endsAt] = fields;
  return { verdict, session: { sid, tenant, subject, clientId, loginAt, endsAt: Number(endsAt) } };
}
