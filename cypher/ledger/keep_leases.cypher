// Prolong leases, which locks them, and say which are still ours. The caller takes everything back
// when one is missing.
// $leases of name and token   $until epoch ms
UNWIND $leases AS held
MATCH (l:Lease {id: held.name})
SET l.expires_at = $until
WITH l, held WHERE l.token = held.token
RETURN l.id AS name
