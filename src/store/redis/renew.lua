-- KEYS[1] the event's row
-- ARGV[1] owner (16 bytes)   ARGV[2] by how much the row outlives its lease (8)
-- ARGV[3] the row's life in milliseconds
-- Answers 0 extended; 1 lost; 4 what is there is no row.
local row = redis.call('GET', KEYS[1])
if not row then return 1 end
local size, first = #row, string.byte(row)
if size == 12 or (size == 13 and first == 114) then return 1 end
if size ~= 37 or first ~= 105 then return 4 end
if string.sub(row, 14, 29) ~= ARGV[1] then return 1 end
row = string.sub(row, 1, 29) .. ARGV[2]
local life, answer = ARGV[3], 0
