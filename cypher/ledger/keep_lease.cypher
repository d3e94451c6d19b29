// Prolong a lease: the write locks the chain, the token fences off who lost it.
// $chain   $token   $until epoch ms   no row when the lease is lost
MATCH (l:Lease {id: $chain}) WHERE l.token = $token
SET l.expires_at = $until
RETURN l.token AS token
