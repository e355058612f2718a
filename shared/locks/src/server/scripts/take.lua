-- Takes all keys for an owner, or none; where it may wait, none puts it in line.
-- KEYS: the fence, then the keys. ARGV: owner, prefix, time to live in ms, label; the ticket (- where it does not wait, 0 where
-- it has none yet), whether to stand in line anew, how long it counts as waiting and how long a line lasts, in ms; and with a
-- fence: the process's run_id, and the smallest epoch and counter that may have been given already.
-- Answers {'taken', epoch, counter}, {'busy', ms until another's time ends or -1, ticket, which key, from 0} or
-- {'unfenced', why}.
-- What stands in a key: the owner, the token or -, and the label, with a space between.
local fence, ttl, label, ticket, run = KEYS[1], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[9]
local epoch
if run then
  -- The replication id changes whenever what this process holds may not go on from what it held: a history of writes has
  -- one of its own.
  local replication = redis.call('INFO', 'replication')
  local id = run .. ':' .. string.match(replication, 'master_replid:(%x+)')
  local found = redis.call('HMGET', fence, 'id', 'epoch', 'counter')
  if not found[2] then return {'unfenced', 'absent'} end
  if found[1] ~= id then return {'unfenced', 'another'} end
  local least, counter = tonumber(ARGV[10]), tonumber(found[3])
  epoch = tonumber(found[2])
  if epoch < least or (epoch == least and counter < tonumber(ARGV[11])) then return {'unfenced', 'behind'} end
end

-- How long until it is worth to ask again, and which key is in the way: nil if all keys are free, and nobody who came before
-- waits for one of them.
local function hindrance()
  local function both(names, key)
    names[#names + 1] = key
    names[#names + 1] = line_of(key)
  end
  if not any(2, both) then return nil end
  for i = 2, #KEYS do
    local left = redis.call('PTTL', KEYS[i])
    if left ~= -2 then return left, i - 2 end
    local first, before = first_in(line_of(KEYS[i]))
    -- One with a ticket may have lost its place meanwhile, and is still before those who came later.
    if first and first ~= owner and not (ticket and ticket > 0 and ticket <= before) then return -1, i - 2 end
  end
  return nil
end

-- Tickets grow, also where the last one was lost: nobody comes before those who waited then.
local function draw()
  local now, last = redis.call('TIME'), redis.call('GET', prefix .. 'ticket')
  local drawn = math.max(now[1] * 1000000 + now[2], (tonumber(last) or 0) + 1)
  redis.call('SET', prefix .. 'ticket', string.format('%.0f', drawn))
  return drawn
end

local left, key = hindrance()
if left then
  if not ticket then return {'busy', tostring(left), '0', tostring(key)} end
  local stands = redis.call('SET', waiter(owner), label, 'XX', 'PX', ARGV[7])
  if not stands or ARGV[6] == '1' then
    if ticket == 0 then ticket = draw() end
    redis.call('SET', waiter(owner), label, 'PX', ARGV[7])
    for i = 2, #KEYS do
      redis.call('ZADD', line_of(KEYS[i]), string.format('%.0f', ticket), owner)
      redis.call('PEXPIRE', line_of(KEYS[i]), ARGV[8])
    end
  end
  return {'busy', tostring(left), string.format('%.0f', ticket), tostring(key)}
end

if ticket and ticket > 0 then
  redis.call('DEL', waiter(owner))
  for i = 2, #KEYS do redis.call('ZREM', line_of(KEYS[i]), owner) end
end
local counter, token = 0, '-'
if epoch then
  counter = redis.call('HINCRBY', fence, 'counter', 1)
  token = string.format('%.0f.%.0f', epoch, counter)
end
local value = owner .. ' ' .. token .. ' ' .. label
for i = 2, #KEYS do redis.call('SET', KEYS[i], value, 'PX', ttl) end
return {'taken', string.format('%.0f', epoch or 0), string.format('%.0f', counter)}
