// How many labels of an actor lie in a window of keys: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (l:Label) WHERE l.actor_key > $low AND l.actor_key < $high
WITH l LIMIT $most
RETURN $number AS number, count(l) AS rows
