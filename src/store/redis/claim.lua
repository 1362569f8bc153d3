-- KEYS[1] the event's row
-- ARGV[1] the row to write, for attempt 1
-- ARGV[2] the row's life in milliseconds
-- Answers {0, attempt} won; {1, attempt, ms} busy; {2, attempt, ms, status}
-- duplicate; {3, attempt} conflict; {4} what is there is no row.

-- Most events are new: one command for them.
local new = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX')
if new and new.ok then return {0, 1} end
local row = redis.call('GET', KEYS[1])
-- It could not be written. (A row that is there can be read all the same.)
if not row then return new end
local size, first = #row, string.byte(row)
local attempt, fingerprint
if size == 12 then
  attempt = math.floor(struct.unpack('>I4', row, 9) / 4096) % 1024
  fingerprint = string.sub(row, 1, 8)
elseif (size == 37 and first == 105) or (size == 13 and first == 114) then
  attempt = struct.unpack('>I4', row, 2)
  fingerprint = string.sub(row, 6, 13)
else
  return {4}
end
-- As bytes: numbers are doubles here, which cannot tell all of them apart.
local given, none = string.sub(ARGV[1], 6, 13), '\0\0\0\0\0\0\0\0'
if fingerprint ~= given and fingerprint ~= none and given ~= none then
  return {3, attempt}
end
local life = redis.call('PTTL', KEYS[1])
if life < 0 then return {4} end
if size == 12 then
  return {2, attempt, life, math.floor(struct.unpack('>I4', row, 9) / 4194304)}
end
local left = 0
if size == 37 then left = life - struct.unpack('>I8', row, 30) end
if left <= 0 then
  attempt = math.min(attempt + 1, 4294967295)
elseif string.sub(row, 14, 29) ~= string.sub(ARGV[1], 14, 29) then
  return {1, attempt, left}
end
row = 'i' .. struct.pack('>I4', attempt) .. string.sub(ARGV[1], 6)
redis.call('SET', KEYS[1], row, 'PX', ARGV[2])
return {0, attempt}
