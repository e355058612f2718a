-- Gives back those keys that an owner still has, and tells who waits. ARGV: owner, channel, message. Answers how many.
local released = 0
for i = 1, #KEYS do
  if redis.call('GET', KEYS[i]) == ARGV[1] then
    redis.call('DEL', KEYS[i])
    released = released + 1
  end
end
if released > 0 then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return released
