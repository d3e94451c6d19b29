// Lock a lease for this transaction: only what is read after it is sure to be the newest.
// $lease name
MERGE (l:Lease {id: $lease})
SET l.token = coalesce(l.token, 0)
