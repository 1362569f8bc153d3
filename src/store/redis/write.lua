-- A server at its memory limit refuses what a script writes first, but not what
-- follows. An event that is in flight has its memory already: to give it a new
-- life is a write that no server refuses for memory.
local function replace(row, life)
  local set = redis.pcall('SET', KEYS[1], row, 'PX', life)
  if set.err then
    redis.call('PEXPIRE', KEYS[1], life)
    redis.call('SET', KEYS[1], row, 'PX', life)
  end
end
