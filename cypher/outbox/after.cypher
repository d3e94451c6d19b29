// Events after a number of a line, in their order.
// $after and $end (keys, exclusive)   $limit rows
MATCH (o:Outbox) WHERE o.id > $after AND o.id < $end
RETURN o.first AS first, o.last AS last, o.at AS at, o.payload AS payload
ORDER BY o.id LIMIT $limit
