import type { Redis, Result } from "ioredis";
import { LRUCache } from "lru-cache";
import { inTurns } from "#shared/async/in-turns.ts";
import { subjectKey } from "#shared/contract/subject-key.ts";
import type { Clock } from "#shared/time/clock.ts";
import { callRedis } from "./connect-redis.ts";
import {
  type OpenedRecord,
  openRecord,
  type RecordFields,
  type SealingKeys,
  sealRecord,
  sealSeen,
} from "./session-record.ts";
import { ANSWERED, CREATE, END, ENTER, LOOK, REFRESH } from "./session-scripts.ts";
import {
  RENEWAL_MARGIN_MS,
  type RefreshStanding,
  type RenewalPurpose,
  type SessionActivity,
  type SessionIndex,
  type SessionRecord,
  type SessionStore,
} from "./session.ts";

/** Names and values in turn. */
type Fields = readonly string[];

type Refresh = "peek" | "spend" | "renew";

declare module "ioredis" {
  interface RedisCommander<Context> {
    createSession(key: string, ttlMs: number, ...fields: string[]): Result<null, Context>;
    enterSession(key: string, sid: string, endsAt: number, ttlMs: number, now: number): Result<null, Context>;
    lookAtSession(
      key: string,
      now: number,
      idleMs: number,
      ...touchMsAndSeen: (number | string)[]
    ): Result<Fields, Context>;
    refreshSession(
      key: string,
      generation: number,
      what: Refresh,
      now: number,
      seen: string,
      ...limitsMsAndRenewal: (number | string)[]
    ): Result<Fields, Context>;
    answeredSession(key: string, generation: number): Result<null, Context>;
    endSession(key: string): Result<null, Context>;
  }
}

/** How long a spent refresh token still gets the same successor: two tabs, or a reply that was lost. */
const GRACE_MS = 10_000;

/** Activity is written down at most this often, and often enough for a short idle lifetime. */
const MAX_TOUCH_MS = 60_000;

const MAX_LISTED = 1_000;

/** Reading a thousand sessions at once held up everybody else for 50 to 750 ms, and so many for 3. */
const READ_AT_ONCE = 20;

/** Of so many changed records each is reported once. */
const MAX_REPORTED = 1_000;

/** Where a session's last renewal for a purpose is kept. */
const renewalField = { stream: "renewed_stream", requests: "renewed_requests" } as const satisfies Record<
  RenewalPurpose,
  string
>;

/** What the script says about a session that it found. */
const VERDICTS = ["current", "rotated", "repeated", "reused", "ended", "idle", "lifetime"] as const;

/** The sessions that have not ended, all tenants together: what the gauge counts. */
const LIVE_KEY = "sluice:sessions-live";

interface SessionStoreDeps {
  readonly idleMs: number;
  readonly clock: Clock;
  readonly keys: SealingKeys;
  /** Called once for each session whose record somebody else has changed. */
  readonly onForged: (sid: string) => void;
}

/**
 * Sessions in Redis: one hash each, which Redis forgets when the session is over, and for each subject a sorted set of its
 * sessions by their end. Records are sealed: one that auth has not written so is no session.
 */
export function createSessionStore(
  redis: Redis,
  deps: SessionStoreDeps,
): SessionStore & SessionActivity & SessionIndex {
  const { idleMs, clock, keys } = deps;
  defineScripts(redis);
  const touchMs = Math.min(MAX_TOUCH_MS, Math.floor(idleMs / 4));
  const open = createOpening(deps);
  const find = async (sid: string): Promise<SessionRecord | undefined> =>
    recordOf(open, sid, await callRedis(() => redis.lookAtSession(keyOf(sid), clock.wall(), idleMs)));
  return {
    ...createRefreshFamilies(redis, deps, open),
    ...createSessionIndex(redis, deps, find),
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
          redis.createSession(keyOf(sid), remainingMs, ...sealRecord(session, now, keys)),
        ]),
      );
    },
    async touch(sid) {
      const now = clock.wall();
      const seen = sealSeen(sid, now, keys);
      return recordOf(open, sid, await callRedis(() => redis.lookAtSession(keyOf(sid), now, idleMs, touchMs, seen)));
    },
    async end(sid) {
      await callRedis(() => Promise.all([redis.endSession(keyOf(sid)), redis.zrem(LIVE_KEY, sid)]));
    },
  };
}

/** Finds sessions by their subjects, and counts all. */
function createSessionIndex(
  redis: Redis,
  { clock }: Pick<SessionStoreDeps, "clock">,
  find: SessionStore["find"],
): SessionIndex {
  /** The live sessions of a subject among those that its index names; others leave the index. */
  const liveOf = async (tenant: string, subject: string, sids: readonly string[]): Promise<SessionRecord[]> => {
    // The index is not sealed: somebody else's session in it is none of this subject's.
    const isTheirs = (record: SessionRecord | undefined): record is SessionRecord =>
      record?.isLive === true && record.tenant === tenant && record.subject === subject;
    const records = await inTurns(sids, READ_AT_ONCE, find);
    const others = sids.filter((_, place) => !isTheirs(records[place]));
    if (others.length > 0) await callRedis(() => redis.zrem(indexOf(tenant, subject), ...others));
    return records.filter(isTheirs);
  };
  return {
    async ofSubject(tenant, subject, from = 0) {
      const index = indexOf(tenant, subject);
      for (;;) {
        const sids = await callRedis(() => redis.zrange(index, from, String(from + MAX_LISTED - 1), "REV"));
        const live = await liveOf(tenant, subject, sids);
        // Where all of them had ended, those behind them have moved up.
        if (live.length > 0 || sids.length < MAX_LISTED) return live;
      }
    },
    async beyond(tenant, subject, most) {
      const index = indexOf(tenant, subject);
      const [count, first] = await callRedis(() =>
        Promise.all([redis.zcard(index), redis.zrange(index, 0, String(READ_AT_ONCE - 1))]),
      );
      return liveOf(tenant, subject, first.slice(0, Math.max(0, count - most)));
    },
    async count() {
      const pruned = redis.zremrangebyscore(LIVE_KEY, "-inf", String(clock.wall()));
      const [, live] = await callRedis(() => Promise.all([pruned, redis.zcard(LIVE_KEY)]));
      return live;
    },
  };
}

/** What is asked of the refresh tokens of a session. */
function createRefreshFamilies(
  redis: Redis,
  { idleMs, clock, keys }: SessionStoreDeps,
  open: Open,
): Pick<SessionStore, "peek" | "rotate" | "renew"> {
  const refresh = async (sid: string, generation: number, what: Refresh, ...renewal: (string | number)[]) => {
    const now = clock.wall();
    const limits = [GRACE_MS, idleMs, RENEWAL_MARGIN_MS, ...renewal] as const;
    const seen = sealSeen(sid, now, keys);
    return named(await callRedis(() => redis.refreshSession(keyOf(sid), generation, what, now, seen, ...limits)));
  };
  return {
    async peek(sid, generation) {
      return standingOf(open, sid, await refresh(sid, generation, "peek"));
    },
    async rotate(sid, generation) {
      const fields = await refresh(sid, generation, "spend");
      const standing = standingOf(open, sid, fields);
      const isAnswered = standing.verdict === "rotated" || (standing.verdict === "repeated" && fields["unanswered"]);
      // Nobody waits for it: without it the token may only come back for longer.
      if (isAnswered) redis.answeredSession(keyOf(sid), generation + 1).catch(() => undefined);
      return standing;
    },
    async renew(sid, generation, { purpose, againMs }) {
      const fields = await refresh(sid, generation, "renew", renewalField[purpose], againMs);
      return {
        ...standingOf(open, sid, fields),
        issuedAt: Number(fields["issued_at"] ?? 0),
        isNew: fields["is_new"] === "yes",
      };
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

/**
 * An answer by name. What the script says comes before what is stored and counts, so that no field of a record, which others
 * may have written, passes for a verdict.
 */
function named(answer: Fields): RecordFields {
  const names = answer.filter((_, place) => place % 2 === 0);
  const entries = names.map((name, place) => [name, answer[2 * place + 1] ?? ""] as const);
  return Object.fromEntries(entries.toReversed());
}

/** Opens the record of a session; undefined when it was changed, or its time is over although Redis still has it. */
type Open = (sid: string, fields: RecordFields) => OpenedRecord | undefined;

function createOpening({ keys, clock, onForged }: SessionStoreDeps): Open {
  const reported = new LRUCache<string, true>({ max: MAX_REPORTED });
  return (sid, fields) => {
    const record = openRecord(sid, fields, keys);
    if (record !== undefined) return record.session.endsAt > clock.wall() ? record : undefined;
    if (!reported.has(sid)) onForged(sid);
    reported.set(sid, true);
    return undefined;
  };
}

function recordOf(open: Open, sid: string, answer: Fields): SessionRecord | undefined {
  const fields = named(answer);
  const record = fields["live"] === undefined ? undefined : open(sid, fields);
  if (record === undefined) return undefined;
  const { session, lastSeenAt } = record;
  return { ...session, lastSeenAt, isLive: fields["live"] === "yes", generation: Number(fields["generation"]) };
}

function standingOf(open: Open, sid: string, fields: RecordFields): RefreshStanding {
  const verdict = VERDICTS.find((each) => each === fields["verdict"]);
  const record = verdict && open(sid, fields);
  if (verdict === undefined || record === undefined) return { verdict: "unknown" };
  return { verdict, session: record.session };
}
