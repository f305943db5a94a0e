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
local function is_kept(entry)
    local event = event(entry)
    return event
        and newest.number - event.number < events
        and newest.bytes + #newest.frame - event.bytes <= all_bytes
        and tonumber(event.sequence) >= now - age
end

local page, size, has_more = {}, 0, 0

-- Whether there was room for it. This is done for every event, so that it looks at no more than it
-- has to.
local function take(entry)
    local fields = entry[2]
    if fields[1] ~= 'frame' or fields[3] ~= 'previous' then
        foreign = true
        return false
    end
    if #page >= most or (#page > 0 and size + #fields[2] > most_bytes) then
        has_more = 1
        return false
    end
    size = size + #fields[2]
    page[#page + 1] = { entry[1], fields[4], fields[2] }
    return true
end

-- How many to ask for next: about as many as there is room for, and few as long as nobody knows
-- how large they are.
local function so_many()
    if #page == 0 then
        return 16
    end
    local room = math.ceil((most_bytes - size) / (size / #page + 1))
    return math.max(1, math.min(room, most - #page, 500) + 1)
end
