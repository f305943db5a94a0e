-- Publishes an event: numbers it, keeps it, hands it to all nodes that listen. All or nothing.
-- KEYS: the clock, the topic's stream, and the publish key's, if there is one.
-- ARGV: the topic's channel, the event, how many events and how many bytes are kept of the topic,
--       for how many milliseconds the stream stays after its last event, for how many a publish key
--       is remembered, and 16 hexadecimal digits by chance: the epoch, where there is none yet.
-- Answers the epoch, the event's number, and 1 if the publish key was known.
for i = 3, 6 do
    if not ARGV[i]:match('^[1-9]%d*$') or #ARGV[i] > 16 then
        return redis.error_reply('ERR no number above 0: argument ' .. i)
    end
end
local function is_epoch(text)
    return #text == 16 and text:match('^[%da-f]+$')
end
if not is_epoch(ARGV[7]) then
    return redis.error_reply('ERR no 16 hexadecimal digits, in small letters: argument 7')
end
local clock = redis.call('HMGET', KEYS[1], 'epoch', 'last')
local epoch, last = clock[1], clock[2]
if epoch and KEYS[3] then
    local known = redis.call('GET', KEYS[3])
    if known then
        return { epoch, known, 1 }
    end
end
epoch = epoch or ARGV[7]
last = tonumber(last or '0')
-- Beyond 2^53 it can't count.
if not (last and last < 9007199254740991 and is_epoch(epoch)) then
    return redis.error_reply('ERR no clock of events at the first key')
end

local now = redis.call('TIME')
local sequence = tonumber(now[1]) * 1000000 + tonumber(now[2])
if sequence <= last then
    sequence = last + 1
end
sequence = string.format('%.0f', sequence)

-- What the newest event says of all that was there before this one.
local previous, number, bytes, from = '0', 0, 0, 0
local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
if newest then
    local fields = newest[2]
    previous = newest[1]:match('^(%d+)%-0$')
    number = fields[5] == 'number' and tonumber(fields[6])
    bytes = fields[7] == 'bytes' and tonumber(fields[8])
    from = fields[9] == 'from' and tonumber(fields[10])
    if not (previous and number and bytes and from and fields[1] == 'frame') then
        return redis.error_reply('ERR no stream of events at the second key')
    end
    number = number + 1
    bytes = bytes + #fields[2]
end

-- Bytes beyond the bound go an eighth of it at a time, so that the oldest are seldom looked at.
local over = bytes + #ARGV[2] - tonumber(ARGV[4])
local oldest_kept
if over - from > tonumber(ARGV[4]) / 8 then
    local start = '-'
    repeat
        local oldest = redis.call('XRANGE', KEYS[2], start, '+', 'COUNT', 16)
        for _, entry in ipairs(oldest) do
            oldest_kept, from = entry[1], tonumber(entry[2][8])
            if not from then
                return redis.error_reply('ERR no stream of events at the second key')
            elseif from >= over then
                break
            end
            start = '(' .. oldest_kept
        end
    until from >= over or #oldest < 16
    if from < over then
        oldest_kept, from = sequence .. '-0', bytes
    end
end

-- Another publisher may have asked for longer. If the stream went before that, nobody could tell its
-- readers what they have missed.
local stays = math.max(tonumber(ARGV[5]), redis.call('PTTL', KEYS[2]))

-- A user who may not do all of it does nothing of it. Redis tells so since 7.0.
if redis.acl_check_cmd then
    for _, command in ipairs({
        { 'HSET', KEYS[1], 'epoch', epoch },
        { 'PEXPIRE', KEYS[2], stays },
        { 'XTRIM', KEYS[2], 'MINID', '0-1' },
        { 'PUBLISH', ARGV[1], '' },
        KEYS[3] and { 'SET', KEYS[3], sequence, 'PX', ARGV[6] },
    }) do
        if not redis.acl_check_cmd(unpack(command)) then
            return redis.error_reply('NOPERM this user needs the right to ' .. command[1] .. ' here')
        end
    end
end

-- The first write: it fails where there is no memory, and then nothing is written at all.
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], sequence .. '-0',
    'frame', ARGV[2], 'previous', previous,
    'number', string.format('%.0f', number), 'bytes', string.format('%.0f', bytes),
    'from', string.format('%.0f', from))
if oldest_kept then
    redis.call('XTRIM', KEYS[2], 'MINID', '=', oldest_kept)
end
redis.call('HSET', KEYS[1], 'epoch', epoch, 'last', sequence)
redis.call('PEXPIRE', KEYS[2], string.format('%.0f', stays))
if KEYS[3] then
    redis.call('SET', KEYS[3], sequence, 'PX', ARGV[6])
end
redis.call('PUBLISH', ARGV[1], epoch .. ' ' .. sequence .. ' ' .. previous .. '\n' .. ARGV[2])
return { epoch, sequence, 0 }
