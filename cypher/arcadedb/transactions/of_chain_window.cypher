// How many transactions of a chain lie in a window of keys: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (x:Transaction) WHERE x.order_key > $low AND x.order_key < $high
WITH x LIMIT $most
RETURN $number AS number, count(x) AS rows
