-- KEYS[1] the event's row
-- ARGV[1] fingerprint (8 bytes)   ARGV[2] owner (16)
-- ARGV[3] status * 2^22 + the owner's tag   ARGV[4] the row's life in milliseconds
-- Answers 0 done; 1 already done by another; 2 recreated; 3 lease lost; 4 what
-- is there is no row.
local row = redis.call('GET', KEYS[1])
local done = tonumber(ARGV[3])
if not row then
  local new = ARGV[1] .. struct.pack('>I4', done + 4096)
  redis.call('SET', KEYS[1], new, 'PX', ARGV[4])
  return 2
end
local size, first = #row, string.byte(row)
if size == 12 then
  if struct.unpack('>I4', row, 9) % 4096 == done % 4096 then return 0 end
  return 1
end
local answer
if size == 37 and first == 105 then
  if string.sub(row, 14, 29) ~= ARGV[2] then return 3 end
  answer = 0
elseif size == 13 and first == 114 then
  answer = 2
else
  return 4
end
local attempt = math.min(struct.unpack('>I4', row, 2), 1023)
replace(ARGV[1] .. struct.pack('>I4', done + attempt * 4096), ARGV[4])
return answer
