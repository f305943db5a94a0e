-- KEYS: the clock. The last of ARGV: the epoch, where there is none yet.
local clock = redis.call('HMGET', KEYS[1], 'epoch', 'last')
local epoch, last = clock[1], tonumber(clock[2] or '0')
if not epoch then
    epoch = ARGV[#ARGV]
    redis.call('HSET', KEYS[1], 'epoch', epoch, 'last', '0')
end
-- Beyond 2^53 it can't count.
if not (last and last < 9007199254740991 and #epoch == 16 and epoch:match('^[%da-f]+$')) then
    return redis.error_reply('ERR no clock of events at the first key')
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
