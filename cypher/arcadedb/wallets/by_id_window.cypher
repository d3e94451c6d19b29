// How many wallets lie in a window of ids: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (w:Wallet) WHERE w.id > $low AND w.id < $high
WITH w LIMIT $most
RETURN $number AS number, count(w) AS rows
