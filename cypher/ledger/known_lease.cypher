// Who else holds a lease at the moment. Takes no lock, so that asking again and again is harmless.
// $lease name   $holder   $now epoch ms   no row when nobody else holds it
MATCH (l:Lease {id: $lease})
WHERE l.holder <> $holder AND l.expires_at > $now
RETURN l.holder AS other
