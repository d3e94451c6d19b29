// Events after a number of a line, in their order.
// $after and $end (keys, exclusive)   $limit rows. No ORDER BY: this engine would sort them all.
MATCH (o:Outbox) WHERE o.id > $after AND o.id < $end
WITH o LIMIT $limit
RETURN o.first AS first, o.last AS last, o.at AS at, o.payload AS payload
