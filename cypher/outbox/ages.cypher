// When the oldest events of a line were written.
// $after and $end (keys, exclusive)   $limit rows
MATCH (o:Outbox) WHERE o.id > $after AND o.id < $end
RETURN o.first AS first, o.last AS last, o.at AS at
ORDER BY o.id LIMIT $limit
