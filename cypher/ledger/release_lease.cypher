// Give a lease back.
// $chain   $token
MATCH (l:Lease {id: $chain}) WHERE l.token = $token
SET l.holder = null, l.expires_at = 0
