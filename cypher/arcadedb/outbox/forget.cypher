// Forget the oldest events of a line.
// $after and $end (keys, exclusive)   $limit rows. No ORDER BY: this engine would sort them all.
MATCH (o:Outbox) WHERE o.id > $after AND o.id < $end
WITH o LIMIT $limit
WITH o, o.last AS last
DELETE o
RETURN max(last) AS last
