-- Hands a marker to the node that asks, behind all that was published so far.
-- ARGV: the node's channel, the marker's number, the epoch and the number that the node knows of.
local known = tonumber(ARGV[4])
-- A clock that is behind has lost the newest of its numbers. Far ahead of the time it is not set.
if epoch == ARGV[3] and known > last and known < now + 86400000000 then
    last = known
    redis.call('HSET', KEYS[1], 'last', string.format('%.0f', last))
end
redis.call('PUBLISH', ARGV[1], epoch .. ' ' .. string.format('%.0f', last) .. ' ' .. ARGV[2] .. '\n')
return epoch
