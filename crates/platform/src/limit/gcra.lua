-- A caller's limit as one number: the moment (in microseconds of this server) at which all units given out so far
-- will have come back (GCRA). What somebody else wrote under the key counts as nothing.
-- ARGV: units of the quota, its window, units given out already and how long ago, units asked for.
local units, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local debt, age, asked = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local each = window / units
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

local kept = redis.pcall('GET', KEYS[1])
local back_at = 0
if type(kept) == 'string' then
    back_at = tonumber(kept) or 0
elseif type(kept) == 'table' then
    redis.call('DEL', KEYS[1])
end
-- Nor does a moment count that this script cannot have written, or that a clock now put back did: nobody is shut out.
if back_at ~= back_at or back_at > now + 2 * window then
    back_at = 0
end

-- What was given out on credit is counted from when that was.
if debt > 0 then
    back_at = math.max(back_at, now - age) + debt * each
end
local free = window - math.max(0, back_at - now)
-- A thousandth of a unit, for what fractions lose.
local allowed = asked * each <= free + each / 1000
local wait = 0
if allowed then
    back_at = math.max(back_at, now) + asked * each
    free = math.max(0, free - asked * each)
else
    wait = math.ceil((asked * each - free) / 1000)
end
if (allowed or debt > 0) and back_at > now then
    back_at = math.min(back_at, now + 2 * window)
    redis.call('SET', KEYS[1], string.format('%.3f', back_at), 'PX', math.ceil((back_at - now) / 1000) + 1000)
end
return { allowed and 1 or 0, math.floor(math.max(0, free) / each + 0.001), wait }
