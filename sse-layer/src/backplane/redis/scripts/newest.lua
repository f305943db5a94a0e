-- Reads back, from the newest.
-- Answers as for reading on; that something is missing is not asked for.
if newest then
    local to = '+'
    local going = true
    while going do
        local count = so_many()
        local entries = redis.call('XREVRANGE', KEYS[2], to, '-', 'COUNT', count)
        going = #entries == count
        for _, entry in ipairs(entries) do
            if not is_kept(entry) or not take(entry) then
                going = false
                break
            end
            to = '(' .. entry[1]
        end
    end
end
if foreign then
    return redis.error_reply('ERR no stream of events at the second key')
end

for i = 1, math.floor(#page / 2) do
    page[i], page[#page - i + 1] = page[#page - i + 1], page[i]
end
return { epoch, '', has_more, page }
