-- KEYS: the clock, the topic's stream.
-- ARGV: the number behind which is read, so many events and bytes at most; the bounds: events,
--       bytes, microseconds; for how many microseconds the stream stays after its last event.
local after, most, most_bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local events, all_bytes, age, stays = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local foreign = false

local function event(entry)
    local fields = entry[2]
    local event = {
        sequence = entry[1]:match('^(%d+)%-0$'),
        frame = fields[1] == 'frame' and fields[2],
        previous = fields[3] == 'previous' and fields[4],
        number = fields[5] == 'number' and tonumber(fields[6]),
        bytes = fields[7] == 'bytes' and tonumber(fields[8]),
    }
    if event.sequence and event.frame and event.previous and tonumber(event.previous)
        and event.number and event.bytes then
        return event
    end
    foreign = true
end

local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
newest = newest and event(newest)

-- What is beyond the bounds may still be there, and is not given.
local function is_kept(event)
    return newest.number - event.number < events
        and newest.bytes + #newest.frame - event.bytes <= all_bytes
        and tonumber(event.sequence) >= now - age
end

local page, size, has_more = {}, 0, 0

-- Whether there was room for it.
local function take(event)
    if #page >= most or (#page > 0 and size + #event.frame > most_bytes) then
        has_more = 1
        return false
    end
    size = size + #event.frame
    page[#page + 1] = { event.sequence, event.previous, event.frame }
    return true
end

-- How many to ask for next: about as many as there is room for, and few as long as nobody knows
-- how large they are.
local unknown = 1
local function so_many()
    if #page == 0 then
        unknown = math.min(unknown * 2, 500)
        return unknown
    end
    local room = math.ceil((most_bytes - size) / (size / #page + 1))
    return math.max(1, math.min(room, most - #page, 500) + 1)
end
