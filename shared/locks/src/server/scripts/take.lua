-- Takes all keys for an owner, or none.
-- KEYS: the fence, then the keys. ARGV: owner, time to live in ms, and with a fence: the process's run_id, and the
-- smallest epoch and counter that may have been given already.
-- Answers {'taken', epoch, counter}, {'busy', which, ms until it ends} or {'unfenced', why}.
local fence, owner, ttl, run = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local epoch
if run then
  -- The replication id changes whenever what this process holds may not go on from what it held: a history of writes has
  -- one of its own.
  local replication = redis.call('INFO', 'replication')
  local id = run .. ':' .. string.match(replication, 'master_replid:(%x+)')
  local found = redis.call('HMGET', fence, 'id', 'epoch', 'counter')
  if not found[2] then return {'unfenced', 'absent'} end
  if found[1] ~= id then return {'unfenced', 'another'} end
  local least, counter = tonumber(ARGV[4]), tonumber(found[3])
  epoch = tonumber(found[2])
  if epoch < least or (epoch == least and counter < tonumber(ARGV[5])) then return {'unfenced', 'behind'} end
end
for i = 2, #KEYS do
  if not redis.call('SET', KEYS[i], owner, 'NX', 'PX', ttl) then
    local left = redis.call('PTTL', KEYS[i])
    for j = 2, i - 1 do redis.call('DEL', KEYS[j]) end
    return {'busy', tostring(i - 2), tostring(left)}
  end
end
if not epoch then return {'taken', '0', '0'} end
local counter = redis.call('HINCRBY', fence, 'counter', 1)
return {'taken', string.format('%.0f', epoch), string.format('%.0f', counter)}
