-- Reads on, from the oldest.
-- Answers the epoch, up to where something is missing, whether there is more, and the events.
if newest then
    local from = after
    if tonumber(from) < now - age then
        from = string.format('%.0f', math.max(0, now - age - 1))
    end
    local going = true
    while going do
        local count = so_many()
        local entries = redis.call('XRANGE', KEYS[2], '(' .. from .. '-0', '+', 'COUNT', count)
        going = #entries == count
        for _, entry in ipairs(entries) do
            local event = event(entry)
            if not event or (is_kept(event) and not take(event)) then
                going = false
                break
            end
            from = event.sequence
        end
    end
end
if foreign then
    return redis.error_reply('ERR no stream of events at the second key')
end

local missing = ''
local first = page[1]
local behind = tonumber(after)
if first then
    if tonumber(first[2]) > behind then
        missing = first[2]
    elseif first[2] == '0' and behind > 0 and behind < tonumber(first[1]) - stays then
        -- The stream began anew with this event: what there was before, nobody can tell.
        missing = string.format('%.0f', tonumber(first[1]) - 1)
    end
elseif newest then
    if tonumber(newest.sequence) > behind then
        missing = newest.sequence
    end
elseif behind > 0 and behind < now - stays and last > behind then
    missing = string.format('%.0f', last)
end
return { epoch, missing, has_more, page }
