// How many transactions that called or paid a wallet lie in a window of keys: up to $most.
// $branches of number, low and high (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (x:Transaction) WHERE x.recipient_key > b.low AND x.recipient_key < b.high
  WITH x ORDER BY x.recipient_key LIMIT $most
  RETURN b.number AS number, count(x) AS rows
}
RETURN number, rows
