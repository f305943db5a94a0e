-- Answers the epoch. Fails where this server takes no writes, or has not this key's slot.
redis.call('PERSIST', KEYS[1])
return epoch
