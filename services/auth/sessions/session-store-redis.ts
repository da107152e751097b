import type { Redis, Result } from "ioredis";
import type { Clock } from "#shared/time/clock.ts";
import { callRedis } from "./connect-redis.ts";
import { CREATE, END, ENTER, LOOK, ROTATE } from "./session-scripts.ts";
import {
  RENEWAL_MARGIN_MS,
  type Rotation,
  type Session,
  type SessionActivity,
  type SessionIndex,
  type SessionRecord,
  type SessionStore,
} from "./session.ts";

type Fields = readonly (string | null)[];

declare module "ioredis" {
  interface RedisCommander<Context> {
    createSession(key: string, ttlMs: number, ...fields: (string | number)[]): Result<null, Context>;
    enterSession(key: string, sid: string, endsAt: number, ttlMs: number, now: number): Result<null, Context>;
    lookAtSession(key: string, ...idleAndTouchMs: number[]): Result<Fields, Context>;
    rotateSession(key: string, generation: number, ...limitsMs: number[]): Result<Fields, Context>;
    endSession(key: string): Result<null, Context>;
  }
}

/** How long a spent refresh token still gets the same successor: two tabs, or a reply that was lost. */
export const GRACE_MS = 10_000;

/** Activity is written down at most this often, and often enough for a short idle lifetime. */
const MAX_TOUCH_MS = 60_000;

const MAX_LISTED = 1_000;

/** What the script says about a session that it found. */
const VERDICTS = ["rotated", "repeated", "reused", "ended", "idle", "lifetime"] as const;

/** The sessions that have not ended, all tenants together: what the gauge counts. */
const LIVE_KEY = "sluice:sessions-live";

/**
 * Sessions in Redis: one hash each, which Redis forgets when the session is over, and for each subject a sorted set of its
 * sessions by their end.
 */
export function createSessionStore(
  redis: Redis,
  { idleMs, clock }: { idleMs: number; clock: Clock },
): SessionStore & SessionActivity & SessionIndex {
  defineScripts(redis);
  const touchMs = Math.min(MAX_TOUCH_MS, Math.floor(idleMs / 4));
  const find = async (sid: string): Promise<SessionRecord | undefined> =>
    recordOf(sid, await callRedis(() => redis.lookAtSession(keyOf(sid), idleMs)));
  return {
    find,
    async create(session) {
      const { sid, tenant, subject, endsAt } = session;
      const now = clock.wall();
      const remainingMs = endsAt - now;
      // In the indexes first: whoever ends all sessions of a subject then finds each that was stored.
      await callRedis(() =>
        Promise.all([
          redis.enterSession(indexOf(tenant, subject), sid, endsAt, remainingMs, now),
          redis.enterSession(LIVE_KEY, sid, endsAt, remainingMs, now),
          redis.createSession(keyOf(sid), remainingMs, ...encode(session)),
        ]),
      );
    },
    async touch(sid) {
      return recordOf(sid, await callRedis(() => redis.lookAtSession(keyOf(sid), idleMs, touchMs)));
    },
    async rotate(sid, generation) {
      const limits = [GRACE_MS, idleMs, RENEWAL_MARGIN_MS];
      return rotationOf(sid, await callRedis(() => redis.rotateSession(keyOf(sid), generation, ...limits)));
    },
    async end(sid) {
      await callRedis(() => Promise.all([redis.endSession(keyOf(sid)), redis.zrem(LIVE_KEY, sid)]));
    },
    async ofSubject(tenant, subject) {
      const index = indexOf(tenant, subject);
      const sids = await callRedis(() => redis.zrange(index, 0, String(MAX_LISTED - 1), "REV"));
      const records = await Promise.all(sids.map(find));
      const over = sids.filter((_, place) => records[place]?.isLive !== true);
      if (over.length > 0) await callRedis(() => redis.zrem(index, ...over));
      return records.filter((record): record is SessionRecord => record?.isLive === true);
    },
    async count() {
      const pruned = redis.zremrangebyscore(LIVE_KEY, "-inf", String(clock.wall()));
      const [, live] = await callRedis(() => Promise.all([pruned, redis.zcard(LIVE_KEY)]));
      return live;
    },
  };
}

function defineScripts(redis: Redis): void {
  redis.defineCommand("createSession", { numberOfKeys: 1, lua: CREATE });
  redis.defineCommand("enterSession", { numberOfKeys: 1, lua: ENTER });
  redis.defineCommand("lookAtSession", { numberOfKeys: 1, lua: LOOK });
  redis.defineCommand("rotateSession", { numberOfKeys: 1, lua: ROTATE });
  redis.defineCommand("endSession", { numberOfKeys: 1, lua: END });
}

/** Where a session is kept. */
export function keyOf(sid: string): string {
  return `sluice:session:{${sid}}`;
}

function indexOf(tenant: string, subject: string): string {
  return `sluice:sessions:{${tenant}.${subject}}`;
}

function encode({ tenant, subject, clientId, device, loginAt, endsAt }: Session): (string | number)[] {
  const fields = { tenant, subject, client_id: clientId, device, login_at: loginAt, ends_at: endsAt };
  return Object.entries(fields).flat();
}

function recordOf(sid: string, [state, generation, lastSeen, ...fields]: Fields): SessionRecord | undefined {
  if (typeof state !== "string") return undefined;
  const standing = { isLive: state === "live", lastSeenAt: Number(lastSeen), generation: Number(generation) };
  return { ...sessionOf(sid, fields), ...standing };
}

function rotationOf(sid: string, [verdict, ...fields]: Fields): Rotation {
  const known = VERDICTS.find((each) => each === verdict);
  return known === undefined ? { verdict: "unknown" } : { verdict: known, session: sessionOf(sid, fields) };
}

function sessionOf(sid: string, fields: Fields): Session {
  const [tenant, subject, clientId, device, loginAt, endsAt] = fields.map((field) => field ?? "");
  return {
    sid,
    tenant: tenant ?? "",
    subject: subject ?? "",
    clientId: clientId ?? "",
    device: device ?? "",
    loginAt: loginAt ?? "",
    endsAt: Number(endsAt),
  };
}
