// How many transfers of a token lie in a window of keys: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (t:Transfer) WHERE t.token_key > $low AND t.token_key < $high
WITH t LIMIT $most
RETURN $number AS number, count(t) AS rows
