// Take the lease of a chain when it is free, expired or already this holder's.
// $chain   $holder   $now, $until epoch ms   no row while somebody else has it
MERGE (l:Lease {id: $chain})
WITH l WHERE l.holder IS NULL OR l.holder = $holder OR l.expires_at <= $now
SET l.token = coalesce(l.token, 0) + 1, l.holder = $holder, l.expires_at = $until
RETURN l.token AS token
