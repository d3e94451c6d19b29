// How many transactions that a wallet signed or received lie in a window of keys: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (x:Transaction) WHERE x.sender_key > $low AND x.sender_key < $high
WITH x LIMIT $most
RETURN $number AS number, count(x) AS rows
UNION ALL
MATCH (x:Transaction) WHERE x.recipient_key > $low AND x.recipient_key < $high
WITH x LIMIT $most
RETURN $number AS number, count(x) AS rows
