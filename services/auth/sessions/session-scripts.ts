const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** When a session was seen: `<milliseconds>.<MAC>`, written and checked by auth. What is none was never. */
const SEEN_AT = `
local function seenAt(seen) return tonumber(string.match(seen or '', '^%d+')) or 0 end
`;

/**
 * Stores a new session in KEYS[1] for ARGV[1] milliseconds: a duration, because the clock of Redis may differ from the one
 * that the session's end was read from. The fields and their values follow.
 */
export const CREATE = `
redis.call('HSET', KEYS[1], 'generation', 1, unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
`;

/**
 * Enters the session ARGV[1], which ends at ARGV[2] and has ARGV[3] milliseconds left, in the index KEYS[1], without those
 * that ended by ARGV[4]. The index lives as long as the last of its sessions.
 */
export const ENTER = `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
local remaining = math.max(redis.call('PTTL', KEYS[1]), tonumber(ARGV[3]))
redis.call('PEXPIRE', KEYS[1], remaining)
`;

/**
 * Reads the session in KEYS[1] at the time ARGV[1]: `live` and its fields, as names and values in turn. It is live unless it
 * ended or nobody was seen for ARGV[2] milliseconds. A live one that was last seen ARGV[3] milliseconds ago or more is seen now,
 * which ARGV[4] says; without these two it is only read. A key that holds no record is no session.
 */
export const LOOK = `${SEEN_AT}
local stored = redis.pcall('HMGET', KEYS[1], 'generation', 'ended', 'last_seen')
local generation, ended, seen = unpack(stored)
if stored.err or not generation then return {} end
local idle = tonumber(ARGV[1]) - seenAt(seen)
local live = not ended and idle <= tonumber(ARGV[2])
if live and ARGV[3] and idle >= tonumber(ARGV[3]) then redis.call('HSET', KEYS[1], 'last_seen', ARGV[4]) end
return {'live', live and 'yes' or 'no', unpack(redis.call('HGETALL', KEYS[1]))}
`;

/**
 * The one rule of refresh tokens. KEYS[1] is the session's record, ARGV[1] the presented generation (signed by us). ARGV[2] is
 * `spend`; `peek` to learn the verdict and write nothing; or `renew`, which spends nothing. ARGV[3] is the time by the caller's
 * clock, ARGV[4] says that the session is seen now. Then in milliseconds: ARGV[5] how long a parent may come back, ARGV[6] how
 * long nobody needs to be seen, ARGV[7] what must be left of the session's lifetime. It answers `verdict` and the session's
 * fields, as names and values in turn.
 *
 * A renewal has two more arguments: ARGV[8] the field of its purpose, and ARGV[9] for how many milliseconds one renewal is given
 * again. It also answers `issued_at`, the caller's time of the renewal that is given, and `is_new`; a new one is activity, as a
 * refresh is: whose gateway renews may never refresh. A field keeps generation,
 * time and caller's time of the last one; two generations can be renewed by at a time, so there is one field for the even ones
 * and one for the odd.
 *
 * - The current generation is spent: its successor becomes current, and is `unanswered` until the caller has this answer.
 * - The parent of the current one again within that time (two tabs, a lost reply): the same successor, no clock restarts. So
 *   it is for as long as the successor is unanswered: nobody was given it, so nobody can have stolen it.
 * - Any other spent one: somebody else has a copy. The family dies, and stays `reused` until its end is recorded, so that
 *   a recording that failed is tried again.
 * - One that is newer than the store knows: the store lost its tail. It is repaired, and nobody is accused.
 */
export const REFRESH = `${NOW}${SEEN_AT}
local stored, session = redis.pcall('HGETALL', KEYS[1]), {}
for at = 1, #stored, 2 do session[stored[at]] = stored[at + 1] end
local function answer(verdict) return {'verdict', verdict, unpack(stored)} end
local current, presented = tonumber(session.generation), tonumber(ARGV[1])
local what, asked = ARGV[2], tonumber(ARGV[3])
local function usable(verdict)
  if what ~= 'renew' then return answer(verdict) end
  local field = ARGV[8] .. '_' .. presented % 2
  local of, at, issued = string.match(session[field] or '', '^(%d+) (%d+) (%d+)$')
  local age = now - (tonumber(at) or 0)
  local again = tonumber(of) == presented and age >= 0 and age < tonumber(ARGV[9])
  if not again then
    issued = ARGV[3]
    redis.call('HSET', KEYS[1], field, presented .. ' ' .. now .. ' ' .. issued, 'last_seen', ARGV[4])
  end
  return {'verdict', verdict, 'issued_at', issued, 'is_new', again and 'no' or 'yes', unpack(stored)}
end
if not current then return {'verdict', 'unknown'} end
if session.ended == 'recorded' then return answer('ended') end
if session.ended == 'reused' then return answer('reused') end
if asked - seenAt(session.last_seen) > tonumber(ARGV[6]) then return answer('idle') end
if presented >= current then
  if (tonumber(session.ends_at) or 0) - asked < tonumber(ARGV[7]) then return answer('lifetime') end
  if what ~= 'spend' then return usable('current') end
  redis.call('HSET', KEYS[1], 'generation', presented + 1, 'spent_at', now, 'last_seen', ARGV[4], 'unanswered', 1)
  return answer('rotated')
end
if presented == current - 1 then
  if session.unanswered or math.abs(now - (tonumber(session.spent_at) or 0)) <= tonumber(ARGV[5]) then return usable('repeated') end
end
if what ~= 'peek' then redis.call('HSET', KEYS[1], 'ended', 'reused') end
return answer('reused')
`;

/** Notes that generation ARGV[1], which is current, was answered: from now on its parent may come back for a while. */
export const ANSWERED = `${NOW}
if redis.call('HGET', KEYS[1], 'generation') ~= ARGV[1] then return end
if redis.call('HDEL', KEYS[1], 'unanswered') == 1 then redis.call('HSET', KEYS[1], 'spent_at', now) end
`;

/** Marks a session's end as recorded; a record that is gone must not come back without an expiry. */
export const END = `
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'ended', 'recorded') end
`;
