
-- The end of a script that has found out what to write (row, life) and what to
-- answer.
-- A server at its memory limit refuses what a script writes first, but not what
-- follows. The event has its memory already: a new life is a write that no
-- server refuses for want of it.
local set = redis.pcall('SET', KEYS[1], row, 'PX', life)
if set.err then
  redis.call('PEXPIRE', KEYS[1], life)
  redis.call('SET', KEYS[1], row, 'PX', life)
end
return answer
