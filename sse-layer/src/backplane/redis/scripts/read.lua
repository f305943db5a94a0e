-- Reads on, from the oldest.
-- Answers the epoch, up to where something is missing, whether there is more, and the events.
local first
if newest then
    local from = after
    if tonumber(from) < now - age then
        from = string.format('%.0f', math.max(0, now - age - 1))
    end
    from = '(' .. from .. '-0'
    local going = true
    while going do
        local count = so_many()
        local entries = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', count)
        going = #entries == count
        for _, entry in ipairs(entries) do
            -- Behind one that is kept, all are.
            if first or is_kept(entry) then
                first = first or event(entry)
                if not take(entry) then
                    going = false
                    break
                end
            elseif foreign then
                going = false
                break
            end
            from = '(' .. entry[1]
        end
    end
end
if foreign then
    return redis.error_reply('ERR no stream of events at the second key')
end

local missing = ''
local behind = tonumber(after)
if first then
    if tonumber(first.previous) > behind then
        missing = first.previous
    elseif first.previous == '0' and behind > 0 and behind < tonumber(first.sequence) - stays then
        -- The stream began anew with this event: what there was before, nobody can tell.
        missing = string.format('%.0f', tonumber(first.sequence) - 1)
    end
elseif newest then
    if tonumber(newest.sequence) > behind then
        missing = newest.sequence
    end
elseif behind > 0 and behind < now - stays and last > behind then
    missing = string.format('%.0f', last)
end
return { epoch, missing, has_more, page }
