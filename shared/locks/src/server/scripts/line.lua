-- What taking and giving back have in common. ARGV: owner, prefix. Scripts reach keys that they are not told of, by the
-- prefix: a cluster of Redis servers would not allow that, nor keys on several of its servers.
--
-- Whoever waits for a key stands in its line by the number of its ticket, under its owner; that it still waits says a key of
-- its own, which ends soon unless it comes again.
local owner, prefix = ARGV[1], ARGV[2]

local function line_of(key) return prefix .. 'line:' .. string.sub(key, #prefix + 5) end

local function waiter(who) return prefix .. 'waiter:' .. who end

local function is_owners(key) return redis.call('GETRANGE', key, 0, #owner - 1) == owner end

-- The first of those in line who still wait, and its ticket.
local function first_in(line)
  while true do
    local first = redis.call('ZRANGE', line, 0, 0, 'WITHSCORES')
    if not first[1] then return nil end
    if redis.call('EXISTS', waiter(first[1])) == 1 then return first[1], tonumber(first[2]) end
    redis.call('ZREM', line, first[1])
  end
end

-- Whether any of the names that are made of these keys is there.
local function any(from, make)
  for first = from, #KEYS, 1000 do
    local names = {}
    for i = first, math.min(first + 999, #KEYS) do make(names, KEYS[i]) end
    if redis.call('EXISTS', unpack(names)) > 0 then return true end
  end
  return false
end

