-- Gives all keys of an owner more time, if it has all of them. ARGV: owner, time to live in ms. Answers whether it did.
for i = 1, #KEYS do
  if redis.call('GETRANGE', KEYS[i], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
end
for i = 1, #KEYS do redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
return 1
