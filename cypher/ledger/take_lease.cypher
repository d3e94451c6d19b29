// Take a lease that is free, expired, ours, or held by a process that is gone.
// $lease name   $holder   $gone that holder   $now epoch ms   $until epoch ms
MATCH (l:Lease {id: $lease})
WHERE l.holder IS NULL OR l.holder = $holder OR l.holder = $gone OR l.expires_at <= $now
SET l.token = l.token + 1, l.holder = $holder, l.expires_at = $until
RETURN l.token AS token
