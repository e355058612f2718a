-- Gives back those keys that an owner still has, takes it out of all lines, and tells those whose turn it is then.
-- KEYS: the keys. ARGV: owner, prefix. Answers how many keys it had.
local released, gone, told = 0, {}, {}
for i = 1, #KEYS do
  if is_owners(KEYS[i]) then
    redis.call('DEL', KEYS[i])
    released = released + 1
    gone[i] = true
  end
end
if not any(1, function(names, key) names[#names + 1] = line_of(key) end) then return released end

local function tell_first_in(line)
  while true do
    local first = first_in(line)
    if not first or told[first] then return end
    if redis.call('PUBLISH', prefix .. 'turn:' .. string.sub(first, 1, 16), first) > 0 then
      told[first] = true
      return
    end
    -- Nobody listens there: it has died, or it will come again with its ticket when it listens.
    redis.call('DEL', waiter(first))
  end
end

redis.call('DEL', waiter(owner))
for i = 1, #KEYS do
  local line = line_of(KEYS[i])
  local left_line = redis.call('ZREM', line, owner) == 1
  if (gone[i] or left_line) and redis.call('EXISTS', KEYS[i]) == 0 then tell_first_in(line) end
end
return released
