-- KEYS[1] when the bucket is full again, in microseconds since the epoch
-- ARGV[1] microseconds per request   ARGV[2] burst   ARGV[3] 1 to charge, 0 to look
-- Answers the microseconds to wait, 0 if the request is within the quota.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])

local function set(full_at)
  -- Lua itself would write 1.7e+15.
  local text = string.format('%.0f', full_at)
  redis.call('SET', KEYS[1], text, 'PX', math.ceil((full_at - now) / 1000))
end

local full_at = tonumber(redis.call('GET', KEYS[1]) or 0) or 0
local latest = now + interval * burst
if full_at < now then
  full_at = now
elseif full_at > latest then
  -- Written before the clock was set back. Corrected for good, or each look
  -- would postpone it.
  full_at = latest
  set(full_at)
end
local wait = full_at + interval - latest
if wait > 0 then return wait end
if ARGV[3] == '1' then set(full_at + interval) end
return 0
