// Who writes at a moment: leases that are held and have not expired; they are few.
// $now epoch ms
MATCH (l:Lease) WHERE l.holder IS NOT NULL AND l.expires_at > $now
RETURN l.id AS lease, l.holder AS holder, l.expires_at AS expires_at
ORDER BY lease LIMIT 100
