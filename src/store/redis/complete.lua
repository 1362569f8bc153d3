-- KEYS[1] the event's row
-- ARGV[1] the row to write, for attempt 1   ARGV[2] owner (16 bytes)
-- ARGV[3] the row's life in milliseconds
-- Answers 0 done; 1 already done by another; 2 recreated; 3 lease lost; 4 what
-- is there is no row.
local row, done, life = redis.call('GET', KEYS[1]), ARGV[1], ARGV[3]
if not row then
  redis.call('SET', KEYS[1], done, 'PX', life)
  return 2
end
local size, first = #row, string.byte(row)
local answer
if size == 37 and first == 105 then
  if string.sub(row, 14, 29) ~= ARGV[2] then return 3 end
  answer = 0
elseif size == 13 and first == 114 then
  answer = 2
elseif size == 12 then
  local tag, given = struct.unpack('>I4', row, 9) % 4096, struct.unpack('>I4', done, 9) % 4096
  if tag == given then return 0 end
  return 1
else
  return 4
end
local attempt = struct.unpack('>I4', row, 2)
if attempt > 1 then
  local last = struct.unpack('>I4', done, 9) + (math.min(attempt, 1023) - 1) * 4096
  done = string.sub(done, 1, 8) .. struct.pack('>I4', last)
end
row = done
