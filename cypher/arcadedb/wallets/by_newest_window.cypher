// How many transfers lie in a window of keys, once for each side: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (t:Transfer) WHERE t.order_key > $low AND t.order_key < $high
WITH t LIMIT $most
RETURN $number AS number, count(t) AS rows
UNION ALL
MATCH (t:Transfer) WHERE t.order_key >= $low AND t.order_key < $high
WITH t LIMIT $most
RETURN $number AS number, count(t) AS rows
