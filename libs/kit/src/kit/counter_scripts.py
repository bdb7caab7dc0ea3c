"""What kit.counters does inside Redis."""

# The version is a field too: it rises with every change and starts at the time, so that it never repeats.
# Of the changes, those that were counted before are left out.
APPLY = """
if redis.call('exists', KEYS[1]) == 0 then return false end
local delta, new = 0, false
for i = 2, #KEYS do
    if redis.call('set', KEYS[i], 1, 'nx', 'ex', ARGV[2]) then
        delta, new = delta + ARGV[i + 2], true
    end
end
if new then
    redis.call('hincrby', KEYS[1], ARGV[1], delta)
    redis.call('hincrby', KEYS[1], '_v', 1)
    redis.call('expire', KEYS[1], ARGV[3])
end
return redis.call('hmget', KEYS[1], unpack(ARGV, #KEYS + 3))
"""
# Numbers of many entities, none below 0: for one Redis, not for a cluster.
READ = """
local found = {}
for i, key in ipairs(KEYS) do
    local row = redis.call('hmget', key, '_v', unpack(ARGV))
    found[i] = row[1] and {} or false
    for j = 2, row[1] and #row or 1 do found[i][j - 1] = math.max(0, tonumber(row[j] or 0)) end
end
return found
"""
BEGIN = """
if redis.call('exists', KEYS[1]) == 1 then return 0 end
redis.call('hset', KEYS[1], unpack(ARGV, 2))
redis.call('expire', KEYS[1], ARGV[1])
return 1
"""
CORRECT = """
if redis.call('hget', KEYS[1], '_v') ~= ARGV[1] then return 0 end
redis.call('hset', KEYS[1], unpack(ARGV, 2))
redis.call('hincrby', KEYS[1], '_v', 1)
return 1
"""
FORGET = """
local score = redis.call('zscore', KEYS[1], ARGV[1])
if score and tonumber(score) <= tonumber(ARGV[2]) then return redis.call('zrem', KEYS[1], ARGV[1]) end
return 0
"""
RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
