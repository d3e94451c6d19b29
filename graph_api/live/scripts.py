"""What happens on the bus in one piece: Lua, because a look and a write must not come apart.

A stream's entry has the id ``<number>-0`` and two fields: ``e``, the epoch, and ``d``, the event.
The hash of lines tells the epoch of each lane. Numbers stay below 2^53, which Lua counts exactly.
"""

from typing import Final

_SHARED: Final = """
local function number_of(id) return tonumber(string.match(id, '^(%d+)')) end
local function id_of(number) return string.format('%.0f-0', number) end
local function fields_of(list)
  local found = {}
  for i = 1, #list, 2 do found[list[i]] = list[i + 1] end
  return found
end
local function state_of(stream, lines, lane)
  if redis.call('EXISTS', stream) == 0 then return nil end
  local info = fields_of(redis.call('XINFO', 'STREAM', stream))
  local last = number_of(info['last-generated-id'])
  local first, epoch = last + 1, redis.call('HGET', lines, lane)
  if info['first-entry'] then
    first = number_of(info['first-entry'][1])
    epoch = fields_of(info['last-entry'][2])['e']
  end
  return {epoch = epoch, first = first, last = last, length = info['length']}
end
"""

#: Put events in a row behind those that are there, and nothing where that would leave a gap.
#: KEYS stream, lines, lease   ARGV lane, epoch, holder, lease ms, begin, first, one text each
APPEND: Final = (
    _SHARED
    + """
local stream, lines, lease = KEYS[1], KEYS[2], KEYS[3]
local lane, epoch, holder = ARGV[1], ARGV[2], ARGV[3]
local begin, first = tonumber(ARGV[5]), tonumber(ARGV[6])
if redis.call('GET', lease) ~= holder then return {'taken', 0} end
local state = state_of(stream, lines, lane)
local last = 0
if state then
  last = state.last
  if state.epoch and state.epoch ~= epoch then return {'other', last} end
end
if first > last + 1 and first ~= begin then return {'behind', last} end
redis.call('HSET', lines, lane, epoch)
redis.call('PEXPIRE', lease, ARGV[4])
for i = 7, #ARGV do
  local number = first + (i - 7)
  if number > last then
    redis.call('XADD', stream, id_of(number), 'e', epoch, 'd', ARGV[i])
    last = number
  end
end
return {'done', last}
"""
)

#: Number events where nobody else does, and keep the newest.
#: KEYS stream, lines   ARGV lane, epoch of a stream that is new, how many to keep, one text each
TELL: Final = (
    _SHARED
    + """
local stream, lines, lane = KEYS[1], KEYS[2], ARGV[1]
local state = state_of(stream, lines, lane)
local epoch, last = state and state.epoch or ARGV[2], state and state.last or 0
redis.call('HSET', lines, lane, epoch)
for i = 4, #ARGV do
  last = last + 1
  redis.call('XADD', stream, 'MAXLEN', ARGV[3], id_of(last), 'e', epoch, 'd', ARGV[i])
end
return last
"""
)

#: Where streams stand.   KEYS lines, streams   ARGV their lanes
SURVEY: Final = (
    _SHARED
    + """
local found = {}
for i = 2, #KEYS do
  local state = state_of(KEYS[i], KEYS[1], ARGV[i - 1])
  if state then
    table.insert(found, {i - 2, state.epoch or '', state.first, state.last, state.length})
  end
end
return found
"""
)

#: Forget a stream whose epoch is over.   KEYS stream, lines, lease   ARGV lane, holder
DROP: Final = """
if redis.call('GET', KEYS[3]) ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
"""

#: Forget the oldest events, none that a group has not done with.   KEYS stream   ARGV through
TRIM: Final = (
    _SHARED
    + """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local through = tonumber(ARGV[1])
for _, list in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = fields_of(list)
  local done = number_of(group['last-delivered-id'])
  if group['pending'] > 0 then
    local pending = redis.call('XPENDING', KEYS[1], group['name'])
    done = math.min(done, number_of(pending[2]) - 1)
  end
  through = math.min(through, done)
end
return redis.call('XTRIM', KEYS[1], 'MINID', '=', id_of(through + 1))
"""
)

#: Take leases that are free and prolong those that are ours.
#: KEYS leases   ARGV holder, lease ms   returns which are ours now, counted from 0
HOLD: Final = """
local held = {}
for i, lease in ipairs(KEYS) do
  local holder = redis.call('GET', lease)
  if holder == ARGV[1] then
    redis.call('PEXPIRE', lease, ARGV[2])
    table.insert(held, i - 1)
  elseif not holder then
    redis.call('SET', lease, ARGV[1], 'PX', ARGV[2])
    table.insert(held, i - 1)
  end
end
return held
"""

#: Give back leases that are ours.   KEYS leases   ARGV holder
RELEASE: Final = """
for _, lease in ipairs(KEYS) do
  if redis.call('GET', lease) == ARGV[1] then redis.call('DEL', lease) end
end
return 0
"""

#: Forget consumers that left nothing undone.   KEYS stream   ARGV group, idle ms
FORGET: Final = (
    _SHARED
    + """
for _, list in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local one = fields_of(list)
  if one['pending'] == 0 and one['idle'] >= tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], one['name'])
  end
end
return 0
"""
)

#: Count that judging an event failed; set it aside when that was often enough. Returns: 1 if so.
#: KEYS dead, tries, again, groups   ARGV id, how often, what is kept of it, group
FAILED: Final = """
if redis.call('HINCRBY', KEYS[2], ARGV[1], 1) < tonumber(ARGV[2]) then
  if redis.call('ZSCORE', KEYS[3], ARGV[1]) then redis.call('ZADD', KEYS[3], 0, ARGV[1]) end
  return 0
end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('SADD', KEYS[4], ARGV[4])
return 1
"""

#: Let an event that was set aside be judged once more. Returns: whether it was there.
#: KEYS dead, again   ARGV id
REPLAY: Final = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], 'NX', 0, ARGV[1])
return 1
"""

#: Take events that are to be judged once more and that nobody has, for a while.
#: KEYS dead, again   ARGV limit, for how many ms
RETAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], 0, now, 'LIMIT', 0, ARGV[1])) do
  local kept = redis.call('HGET', KEYS[1], id)
  if kept then
    redis.call('ZADD', KEYS[2], now + ARGV[2], id)
    found[#found + 1] = {id, kept}
  else
    redis.call('ZREM', KEYS[2], id)
  end
end
return found
"""

#: Nothing more is to be done about an event. Returns: whether it was there.
#: KEYS dead, tries, again   ARGV id
SETTLED: Final = """
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return redis.call('HDEL', KEYS[1], ARGV[1])
"""
