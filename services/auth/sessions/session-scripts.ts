/** The fields that make up a session, in the order of every script's answer. */
const FIELDS = "'tenant', 'subject', 'client_id', 'device', 'login_at', 'ends_at'";

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * Stores a new session in KEYS[1] for ARGV[1] milliseconds: a duration, because the clock of Redis may differ from the one
 * that the session's end was read from. The fields and their values follow.
 */
export const CREATE = `${NOW}
redis.call('HSET', KEYS[1], 'generation', 1, 'last_seen', now, unpack(ARGV, 2))
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
 * Reads the session in KEYS[1], which is live unless it ended or nobody was seen for ARGV[1] milliseconds. A live one that
 * was last seen ARGV[2] milliseconds ago or more is seen now; without ARGV[2] it is only read.
 */
export const LOOK = `${NOW}
local record = redis.call('HMGET', KEYS[1], 'generation', 'ended', 'last_seen', ${FIELDS})
if not record[1] then return {} end
local idle = now - tonumber(record[3])
local live = not record[2] and idle <= tonumber(ARGV[1])
if live and ARGV[2] and idle >= tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'last_seen', now)
  record[3] = now
end
return {live and 'live' or 'ended', record[1], tostring(record[3]), unpack(record, 4, 9)}
`;

/**
 * Spends one generation of a session's refresh tokens, in one step. KEYS[1] is the session's record, ARGV[1] the presented
 * generation (signed by us), then in milliseconds: ARGV[2] how long a parent may come back, ARGV[3] how long nobody needs to
 * be seen, ARGV[4] what must be left of the session's lifetime.
 *
 * - The current generation is spent: its successor becomes current, and the clock of its first use starts.
 * - The parent of the current one again within that time (two tabs, a lost reply): the same successor, no clock restarts.
 * - Any other spent one: somebody else has a copy. The family dies, and stays `reused` until its end is recorded, so that
 *   a recording that failed is tried again.
 * - One that is newer than the store knows: the store lost its tail. It is repaired, and nobody is accused.
 */
export const ROTATE = `${NOW}
local record = redis.call('HMGET', KEYS[1], 'generation', 'spent_at', 'ended', 'last_seen', ${FIELDS})
local current, presented = tonumber(record[1]), tonumber(ARGV[1])
local function answer(verdict) return {verdict, unpack(record, 5, 10)} end
if not current then return {'unknown'} end
if record[3] == 'recorded' then return answer('ended') end
if record[3] == 'reused' then return answer('reused') end
if now - tonumber(record[4]) > tonumber(ARGV[3]) then return answer('idle') end
if presented >= current then
  if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then return answer('lifetime') end
  redis.call('HSET', KEYS[1], 'generation', presented + 1, 'spent_at', now, 'last_seen', now)
  return answer('rotated')
end
if presented == current - 1 and now - tonumber(record[2]) <= tonumber(ARGV[2]) then return answer('repeated') end
redis.call('HSET', KEYS[1], 'ended', 'reused')
return answer('reused')
`;

/** Marks a session's end as recorded; a record that is gone must not come back without an expiry. */
export const END = `
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'ended', 'recorded') end
`;
