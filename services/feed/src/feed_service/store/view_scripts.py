"""Scripts of what is kept at hand of a viewer. All keys of one viewer lie in one slot; ids are 16 hex digits."""

from feed_service.store.scripts import HOME

RELATIONS = "feed:relations:{%s}"
CLOSED = "feed:relations:{%s}:closed"
LIKES = "feed:likes:{%s}"

KEYS_AT_HAND = (HOME, RELATIONS, CLOSED, LIKES)

# One read of all of it: part of the timeline, what the viewer's relations say of its authors, the likes from its lowest
# post on. The timeline's life is prolonged once a day, so that most reads write nothing.
GLANCE = """
local home, relations, closed, likes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local below, limit = '(' .. ARGV[1], tonumber(ARGV[2])
local members, lowest = redis.call('ZRANGE', home, below, '-', 'BYLEX', 'REV', 'LIMIT', 0, limit), '[0'
local left = redis.call('TTL', home)
if left == -2 then
    members = false
elseif left < tonumber(ARGV[4]) then
    redis.call('EXPIRE', home, ARGV[3])
end
local fields = {'!of', '!pulled', '!tags', '!blocked'}
if members then
    for at = 1, #members do fields[at + 4] = string.sub(members[at], 18) end
    if #members == limit then lowest = '[' .. string.sub(members[limit], 1, 16) end
end
local found = redis.call('HMGET', relations, unpack(fields))
if not found[1] then found = redis.call('GET', closed) end
local mark = redis.call('ZRANGE', likes, 0, 0)[1]
local liked = mark and redis.call('ZRANGE', likes, below, lowest, 'BYLEX', 'REV', 'LIMIT', 0, tonumber(ARGV[5]))
return {members, found, mark or false, liked or false}
"""

# What a build of the relations brought, unless something changed meanwhile: ids and flags as "<id>:<flags>;...".
FILL = """
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], '!of', ARGV[2], '!pulled', ARGV[3], '!tags', ARGV[4], '!blocked', ARGV[5])
for id, flags in string.gmatch(ARGV[6], '(%x+):([^;]+);') do redis.call('HSET', KEYS[1], id, flags) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""

# Closed before it is dropped: nobody fills it with what was true before.
CLOSE = """
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
redis.call('DEL', KEYS[1])
return 1
"""

SET_PULLED = """
if redis.call('HEXISTS', KEYS[1], '!of') == 0 then return 0 end
redis.call('HSET', KEYS[1], '!of', ARGV[1], '!pulled', ARGV[2])
return 1
"""

# Likes are members "<post>:<change>:<1 or 0>", all scores 0. One member sorts below them: the mark of a build, "!b...",
# or "!r<floor><since>" once it is built. Of two changes of a post the later one stays. What was changed before `since`
# was in truth when that was read.
_KEEP_LATEST = """
local function keep_latest(key, post, change, liked, since)
    local old = redis.call('ZRANGE', key, '[' .. post .. ':', '(' .. post .. ';', 'BYLEX')[1]
    if old then
        if string.sub(old, 18, 33) >= change then return end
        redis.call('ZREM', key, old)
    elseif change < since then
        return
    end
    redis.call('ZADD', key, 0, post .. ':' .. change .. ':' .. liked)
end
"""

LIKE = (
    _KEEP_LATEST
    + """
local mark = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
if not mark then return 0 end
keep_latest(KEYS[1], ARGV[1], ARGV[2], ARGV[3], string.sub(mark, 19))
if redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[4]) then redis.call('DEL', KEYS[1]) end
return 1
"""
)

BEGIN_LIKES = """
local mark = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
if mark then return 0 end
redis.call('ZADD', KEYS[1], 0, '!b' .. ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""

# ARGV: the build's mark, the finished one, seconds to live, and the likes of truth, 32 digits each.
FINISH_LIKES = (
    _KEEP_LATEST
    + """
if not redis.call('ZSCORE', KEYS[1], '!b' .. ARGV[1]) then return 0 end
redis.call('ZREM', KEYS[1], '!b' .. ARGV[1])
redis.call('ZADD', KEYS[1], 0, ARGV[2])
for at = 1, #ARGV[4], 32 do
    keep_latest(KEYS[1], string.sub(ARGV[4], at, at + 15), string.sub(ARGV[4], at + 16, at + 31), '1', '')
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
)
