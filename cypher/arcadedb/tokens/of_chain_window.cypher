// How many tokens of a chain lie in a window of keys: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (t:Token) WHERE t.rank_key > $low AND t.rank_key < $high
WITH t LIMIT $most
RETURN $number AS number, count(t) AS rows
