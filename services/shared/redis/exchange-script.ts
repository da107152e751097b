/**
 * Takes the counts of one worker and answers what the others count, in time that does not depend on how many others there are.
 *
 * A sum for each field holds what all workers count; a record (a hash for each worker) holds what of it is that worker's. Both change in
 * one script, so a sum is at every moment the sum of the records. The record of a worker that vanished is taken back out of the sums.
 *
 * KEYS: the leases (a sorted set of workers by the time at which they end; also read by presence), the records (the same set, in
 * which a worker stays until nothing of it is in the sums), the sums, this worker's record.
 * ARGV: its id, its lease in milliseconds, its mark, what the keys of records begin with, then fields and counts.
 * Answers how many workers there are, whether this one's record is new, whether something of others is left to be taken back, the
 * mark, and the others' counts. A mark of `''` tells that nothing was exchanged: part of this worker's old record is still to go.
 *
 * The mark names the sums and the exchange. A worker that shows another one than its record holds does not know what stands there: a
 * reply was lost, a replica without the last exchange became the primary, or the lease had ended. Its record begins anew.
 * Sums without records, or a record that was lost while it was in the sums (evicted, deleted), would leave sums too high
 * for ever: then new sums begin, whose name is in no mark, and each worker tells all that it counts again.
 */
export const EXCHANGE = `
local leases, records, sums, own = unpack(KEYS)
local id, lease, known, prefix = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stamp = time[1] .. '.' .. time[2]
-- Lua unpacks some thousand values at once. To take back so many takes 3 ms, in which nobody else is served.
local most = 1000
local room = most

local function in_parts(list, call)
  for i = 1, #list, most do call(unpack(list, i, math.min(i + most - 1, #list))) end
end
local function get(key, fields)
  local values = {}
  in_parts(fields, function (...)
    for _, value in ipairs(redis.call('HMGET', key, ...)) do values[#values + 1] = tonumber(value) or 0 end
  end)
  return values
end
local function put(key, fields, counts)
  local kept, gone = {}, {}
  for i, field in ipairs(fields) do
    if counts[i] > 0 then
      kept[#kept + 1] = field
      kept[#kept + 1] = string.format('%.0f', counts[i])
    else
      gone[#gone + 1] = field
    end
  end
  in_parts(kept, function (...) redis.call('HSET', key, ...) end)
  in_parts(gone, function (...) redis.call('HDEL', key, ...) end)
end
local function mark_of(record) return redis.call('HMGET', record, '')[1] end

local book = redis.call('HMGET', sums, '')[1]
local function begin_sums()
  redis.call('UNLINK', sums)
  book = stamp
  redis.call('HSET', sums, '', book)
end
local function is_in_sums(mark) return string.sub(mark, 1, #book + 1) == book .. ' ' end

-- Takes a record out of the sums, as far as there is room; answers whether nothing of it is left.
local function take_back(record)
  local mark = mark_of(record)
  if not mark then begin_sums() end
  if mark and is_in_sums(mark) then
    if room <= 0 then return false end
    local found, fields, counts = redis.call('HRANDFIELD', record, room, 'WITHVALUES'), {}, {}
    for i = 1, #found, 2 do
      if found[i] ~= '' then
        fields[#fields + 1] = found[i]
        counts[#counts + 1] = tonumber(found[i + 1])
      end
    end
    local left = get(sums, fields)
    for i, count in ipairs(counts) do left[i] = left[i] - count end
    put(sums, fields, left)
    room = room - #found / 2
    if room <= 0 then
      in_parts(fields, function (...) redis.call('HDEL', record, ...) end)
      redis.call('HSET', record, '', book .. ' gone')
      redis.call('PEXPIRE', record, 4 * lease)
      return false
    end
  end
  redis.call('UNLINK', record)
  return true
end

if not book or redis.call('EXISTS', records) == 0 then begin_sums() end
local was_there = redis.call('ZSCORE', records, id)
for _, set in ipairs({ leases, records }) do
  redis.call('ZADD', set, now + lease, id)
  redis.call('PEXPIRE', set, 2 * lease)
end
redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)

local has_leftover = 0
while has_leftover == 0 do
  local vanished = redis.call('ZRANGE', records, '-inf', now, 'BYSCORE', 'LIMIT', 0, 1)[1]
  if not vanished then break end
  if take_back(prefix .. vanished) then redis.call('ZREM', records, vanished) else has_leftover = 1 end
end

local mark = mark_of(own)
local is_new = mark == false or mark ~= known or not is_in_sums(mark)
if is_new and (mark or was_there) then
  room = most
  if not take_back(own) then return { 0, 1, 1, '', {} } end
end

local fields, counts = {}, {}
for i = 5, #ARGV, 2 do
  fields[#fields + 1] = ARGV[i]
  counts[#counts + 1] = tonumber(ARGV[i + 1])
end
local before, totals, others = get(own, fields), get(sums, fields), {}
for i, total in ipairs(totals) do
  others[i] = math.max(0, total - before[i])
  totals[i] = others[i] + counts[i]
end
put(own, fields, counts)
put(sums, fields, totals)

mark = book .. ' ' .. stamp
redis.call('HSET', own, '', mark)
-- Longer than the sums live without anybody: a record must not end while it is in them.
redis.call('PEXPIRE', own, 4 * lease)
redis.call('PEXPIRE', sums, 2 * lease)
return { redis.call('ZCARD', leases), is_new and 1 or 0, has_leftover, mark, others }
`;
