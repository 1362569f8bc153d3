-- KEYS[1] the event's row
-- ARGV[1] owner (16 bytes)
-- Answers 0 released; 1 not the owner; 4 what is there is no row.
local row = redis.call('GET', KEYS[1])
if not row then return 1 end
local size, first = #row, string.byte(row)
if size == 12 or (size == 13 and first == 114) then return 1 end
if size ~= 37 or first ~= 105 then return 4 end
if string.sub(row, 14, 29) ~= ARGV[1] then return 1 end
local life = redis.call('PTTL', KEYS[1])
if life < 0 then return 4 end
row, life = 'r' .. string.sub(row, 2, 13), math.max(life, 1)
local answer = 0
