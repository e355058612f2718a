-- Takes all keys for an owner, or none.
-- KEYS: the fence, then the keys. ARGV: owner, time to live in ms, label, and with a fence: the process's run_id, and the
-- smallest epoch and counter that may have been given already.
-- Answers {'taken', epoch, counter}, {'busy', which, ms until it ends} or {'unfenced', why}.
-- What stands in a key: the owner, the token or -, and the label, with a space between.
local fence, owner, ttl, label, run = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local epoch
if run then
  -- The replication id changes whenever what this process holds may not go on from what it held: a history of writes has
  -- one of its own.
  local replication = redis.call('INFO', 'replication')
  local id = run .. ':' .. string.match(replication, 'master_replid:(%x+)')
  local found = redis.call('HMGET', fence, 'id', 'epoch', 'counter')
  if not found[2] then return {'unfenced', 'absent'} end
  if found[1] ~= id then return {'unfenced', 'another'} end
  local least, counter = tonumber(ARGV[5]), tonumber(found[3])
  epoch = tonumber(found[2])
  if epoch < least or (epoch == least and counter < tonumber(ARGV[6])) then return {'unfenced', 'behind'} end
end
for i = 2, #KEYS do
  local left = redis.call('PTTL', KEYS[i])
  if left ~= -2 then return {'busy', tostring(i - 2), tostring(left)} end
end
local counter, token = 0, '-'
if epoch then
  counter = redis.call('HINCRBY', fence, 'counter', 1)
  token = string.format('%.0f.%.0f', epoch, counter)
end
local value = owner .. ' ' .. token .. ' ' .. label
for i = 2, #KEYS do redis.call('SET', KEYS[i], value, 'PX', ttl) end
return {'taken', string.format('%.0f', epoch or 0), string.format('%.0f', counter)}
