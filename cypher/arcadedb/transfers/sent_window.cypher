// How many transfers that a wallet sent lie in a window of keys: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (t:Transfer) WHERE t.sender_key > $low AND t.sender_key < $high
WITH t LIMIT $most
RETURN $number AS number, count(t) AS rows
