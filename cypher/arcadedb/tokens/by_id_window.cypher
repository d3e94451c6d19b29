// How many tokens lie in a window of ids: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (t:Token) WHERE t.id > $low AND t.id < $high
WITH t LIMIT $most
RETURN $number AS number, count(t) AS rows
