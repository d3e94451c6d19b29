// How many labels lie in a window of keys: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (l:Label) WHERE l.id > $low AND l.id < $high
WITH l LIMIT $most
RETURN $number AS number, count(l) AS rows
