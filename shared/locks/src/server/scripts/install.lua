-- Begins an epoch that was drawn after the claim of this nonce was written, if that claim still stands, in the same history.
-- KEYS: the fence. ARGV: the process's run_id, the nonce, the epoch. Answers whether it did.
local id = ARGV[1] .. ':' .. string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
local found = redis.call('HMGET', KEYS[1], 'claim', 'claimed')
if found[1] ~= ARGV[2] or found[2] ~= id then return 0 end
redis.call('HSET', KEYS[1], 'id', id, 'epoch', ARGV[3], 'counter', 0)
redis.call('HDEL', KEYS[1], 'claim', 'claimed')
return 1
