// How many wallets of a cluster lie in a window of keys: up to $most.
// $number, $low and $high (keys, exclusive), joined by UNION ALL for several windows
MATCH (m:Member) WHERE m.cluster_key > $low AND m.cluster_key < $high
WITH m LIMIT $most
RETURN $number AS number, count(m) AS rows
