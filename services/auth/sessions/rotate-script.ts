/**
 * Spends one generation of a session's refresh tokens, in one step. KEYS[1] is the session's record, ARGV[1] the presented
 * generation (signed by us), ARGV[2] how long a parent may come back, in milliseconds.
 *
 * - The current generation is spent: its successor becomes current, and the clock of its first use starts.
 * - The parent of the current one again within that time (two tabs, a lost reply): the same successor, no clock restarts.
 * - Any other spent one: somebody else has a copy. The family dies, and stays `reused` until its end is recorded, so that
 *   a recording that failed is tried again.
 * - One that is newer than the store knows: the store lost its tail. It is repaired, and nobody is accused.
 */
export const ROTATE = `
local record = redis.call('HMGET', KEYS[1], 'generation', 'spent_at', 'ended',
  'tenant', 'subject', 'client_id', 'login_at', 'ends_at')
local current, presented = tonumber(record[1]), tonumber(ARGV[1])
local function answer(verdict) return {verdict, unpack(record, 4, 8)} end
if not current or record[3] == 'recorded' then return {'ended'} end
if record[3] == 'reused' then return answer('reused') end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if presented >= current then
  redis.call('HSET', KEYS[1], 'generation', presented + 1, 'spent_at', now)
  return answer('rotated')
end
if presented == current - 1 and now - tonumber(record[2]) <= tonumber(ARGV[2]) then return answer('rotated') end
redis.call('HSET', KEYS[1], 'ended', 'reused')
return answer('reused')
`;

/** Marks a session's end as recorded; a record that is gone must not come back without an expiry. */
export const END = `
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'ended', 'recorded') end
`;
