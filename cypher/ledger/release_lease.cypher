// Give a lease back, if it is still ours.
// $lease name   $token
MATCH (l:Lease {id: $lease}) WHERE l.token = $token
SET l.holder = null, l.expires_at = 0
