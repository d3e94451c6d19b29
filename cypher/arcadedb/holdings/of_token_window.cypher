// How many holdings of a token lie in a window of keys: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (h:Holding) WHERE h.rank_key > $low AND h.rank_key < $high
WITH h LIMIT $most
RETURN $number AS number, count(h) AS rows
