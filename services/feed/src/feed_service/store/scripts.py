"""Scripts of the warm timelines. Ids are 16 hex digits: Lua's numbers would round them."""

HOME = "feed:home:{%s}"
BUILD = "feed:home:{%s}:build"

# One call for a chunk of followers. An entry below the lowest member is left out: the timeline was cut there, and what
# lies between the two is not in it. A build takes every entry and is cut when it ends.
PUSH = """
local member, cap, ids, touched = ARGV[1], tonumber(ARGV[2]), ARGV[3], 0
for at = 1, #ids, 16 do
    local key = 'feed:home:{' .. string.sub(ids, at, at + 15) .. '}'
    local lowest = redis.call('ZRANGE', key, 0, 0)[1]
    if lowest then
        if lowest < member then
            redis.call('ZADD', key, 0, member)
            local over = redis.call('ZCARD', key) - cap
            if over > 0 then redis.call('ZREMRANGEBYRANK', key, 0, over - 1) end
            touched = touched + 1
        end
    end
    local build = key .. ':build'
    if redis.call('EXISTS', build) == 1 then redis.call('ZADD', build, 0, member) end
end
return touched
"""

# The mark of a build sorts below every entry.
BEGIN = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""

# What was pushed meanwhile and what was read become the timeline, cut below the lowest that was read: ARGV[4] and on,
# newest first.
FINISH = """
local home, build, mark, cap = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
if not redis.call('ZSCORE', build, mark) then return 0 end
for at = 4, #ARGV do redis.call('ZADD', build, 0, ARGV[at]) end
redis.call('ZREMRANGEBYLEX', build, '-', '(' .. ARGV[#ARGV])
local over = redis.call('ZCARD', build) - cap
if over > 0 then redis.call('ZREMRANGEBYRANK', build, 0, over - 1) end
redis.call('RENAME', build, home)
redis.call('EXPIRE', home, ARGV[3])
return 1
"""
