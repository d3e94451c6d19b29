// How many transactions that a wallet signed lie in a window of keys: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (x:Transaction) WHERE x.sender_key > $low AND x.sender_key < $high
WITH x LIMIT $most
RETURN $number AS number, count(x) AS rows
