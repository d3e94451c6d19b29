// How much of what is taken for OTC lies in a window of keys: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (d:Detection) WHERE d.order_key > $low AND d.order_key < $high
WITH d LIMIT $most
RETURN $number AS number, count(d) AS rows
