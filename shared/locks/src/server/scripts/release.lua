-- Gives back those keys that an owner still has, and tells who waits. ARGV: owner, channel, message. Answers how many, and how many
-- processes were told.
local released = 0
for i = 1, #KEYS do
  if redis.call('GETRANGE', KEYS[i], 0, #ARGV[1] - 1) == ARGV[1] then
    redis.call('DEL', KEYS[i])
    released = released + 1
  end
end
local told = 0
if released > 0 then told = redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return {released, told}
