-- Says that somebody is about to give this history of writes an epoch. What is there goes on until then.
-- KEYS: the fence. ARGV: the process's run_id, a nonce.
local id = ARGV[1] .. ':' .. string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
redis.call('HSET', KEYS[1], 'claim', ARGV[2], 'claimed', id)
return 1
