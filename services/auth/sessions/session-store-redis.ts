import type { Redis, Result } from "ioredis";
import { subjectKey } from "#shared/contract/subject-key.ts";
import type { Clock } from "#shared/time/clock.ts";
import { callRedis } from "./connect-redis.ts";
import { ANSWERED, CREATE, END, ENTER, LOOK, REFRESH } from "./session-scripts.ts";
import {
  RENEWAL_MARGIN_MS,
  type RefreshStanding,
  type Session,
  type SessionActivity,
  type SessionIndex,
  type SessionRecord,
  type SessionStore,
} from "./session.ts";

/** Names and values in turn. */
type Fields = readonly string[];

type Refresh = "peek" | "spend";

declare module "ioredis" {
  interface RedisCommander<Context> {
    createSession(key: string, ttlMs: number, ...fields: (string | number)[]): Result<null, Context>;
    enterSession(key: string, sid: string, endsAt: number, ttlMs: number, now: number): Result<null, Context>;
    lookAtSession(key: string, ...idleAndTouchMs: number[]): Result<Fields, Context>;
    refreshSession(key: string, generation: number, ...limitsMsAndWhat: (number | Refresh)[]): Result<Fields, Context>;
    answeredSession(key: string, generation: number): Result<null, Context>;
    endSession(key: string): Result<null, Context>;
  }
}

/** How long a spent refresh token still gets the same successor: two tabs, or a reply that was lost. */
const GRACE_MS = 10_000;

/** Activity is written down at most this often, and often enough for a short idle lifetime. */
const MAX_TOUCH_MS = 60_000;

const MAX_LISTED = 1_000;

/** What the script says about a session that it found. */
const VERDICTS = ["current", "rotated", "repeated", "reused", "ended", "idle", "lifetime"] as const;

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
  const refresh = async (sid: string, generation: number, what: Refresh): Promise<Record<string, string>> =>
    named(
      await callRedis(() => redis.refreshSession(keyOf(sid), generation, GRACE_MS, idleMs, RENEWAL_MARGIN_MS, what)),
    );
  return {
    find,
    async create(session) {
      const { sid, tenant, subject, endsAt } = session;
      const now = clock.wall();
      const remainingMs = endsAt - now;
      // In the indexes first: ending all sessions of a subject then finds each stored one.
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
    async peek(sid, generation) {
      return standingOf(sid, await refresh(sid, generation, "peek"));
    },
    async rotate(sid, generation) {
      const fields = await refresh(sid, generation, "spend");
      const standing = standingOf(sid, fields);
      const isAnswered = standing.verdict === "rotated" || (standing.verdict === "repeated" && fields["unanswered"]);
      // Nobody waits for it: without it the token may only come back for longer.
      if (isAnswered) redis.answeredSession(keyOf(sid), generation + 1).catch(() => undefined);
      return standing;
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
  redis.defineCommand("refreshSession", { numberOfKeys: 1, lua: REFRESH });
  redis.defineCommand("answeredSession", { numberOfKeys: 1, lua: ANSWERED });
  redis.defineCommand("endSession", { numberOfKeys: 1, lua: END });
}

/** Where a session is kept. */
function keyOf(sid: string): string {
  return `sluice:session:{${sid}}`;
}

function indexOf(tenant: string, subject: string): string {
  return `sluice:sessions:{${subjectKey(tenant, subject)}}`;
}

function encode({ tenant, subject, clientId, device, loginAt, endsAt }: Session): (string | number)[] {
  const fields = { tenant, subject, client_id: clientId, device, login_at: loginAt, ends_at: endsAt };
  return Object.entries(fields).flat();
}

function named(fields: Fields): Record<string, string> {
  const names = fields.filter((_, place) => place % 2 === 0);
  return Object.fromEntries(names.map((name, place) => [name, fields[2 * place + 1] ?? ""]));
}

function recordOf(sid: string, answer: Fields): SessionRecord | undefined {
  const fields = named(answer);
  if (fields["live"] === undefined) return undefined;
  return {
    ...sessionOf(sid, fields),
    isLive: fields["live"] === "yes",
    lastSeenAt: Number(fields["last_seen"]),
    generation: Number(fields["generation"]),
  };
}

function standingOf(sid: string, fields: Record<string, string>): RefreshStanding {
  const verdict = VERDICTS.find((each) => each === fields["verdict"]);
  return verdict === undefined ? { verdict: "unknown" } : { verdict, session: sessionOf(sid, fields) };
}

function sessionOf(sid: string, fields: Record<string, string>): Session {
  const { tenant = "", subject = "", client_id: clientId = "", device = "", login_at: loginAt = "" } = fields;
  return { sid, tenant, subject, clientId, device, loginAt, endsAt: Number(fields["ends_at"]) };
}
