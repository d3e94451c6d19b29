// How many transactions that a wallet signed or received lie in a window of keys: up to $most.
// $branches of number, low and high (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (x:Transaction) WHERE x.sender_key > b.low AND x.sender_key < b.high
  WITH x ORDER BY x.sender_key LIMIT $most
  RETURN b.number AS number, count(x) AS rows
  UNION ALL
  MATCH (x:Transaction) WHERE x.recipient_key > b.low AND x.recipient_key < b.high
  WITH x ORDER BY x.recipient_key LIMIT $most
  RETURN b.number AS number, count(x) AS rows
}
RETURN number, rows
