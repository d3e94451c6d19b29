// How many transactions that called or paid a wallet lie in a window of keys: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (x:Transaction) WHERE x.recipient_key > $low AND x.recipient_key < $high
WITH x LIMIT $most
RETURN $number AS number, count(x) AS rows
