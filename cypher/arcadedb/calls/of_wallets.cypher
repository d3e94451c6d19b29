// What a wallet called or paid in its newest $scan transactions, by recipient and method.
// $owner, $after and $end (keys, exclusive), joined by UNION ALL for several owners. No ORDER BY
// and no further MATCH: this engine would sort, or leave the index.
MATCH (x:Transaction) WHERE x.sender_key > $after AND x.sender_key < $end
WITH x LIMIT $scan
RETURN $owner AS owner, x.recipient AS contract, x.method_id AS method_id, count(x) AS calls,
  sum(CASE WHEN x.status = 0 THEN 1 ELSE 0 END) AS failed,
  min(x.block_time) AS first_at, max(x.block_time) AS last_at
