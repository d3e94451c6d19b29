// How many transactions of a chain lie in a window of keys: up to $most.
// $branches of number, low and high (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (x:Transaction) WHERE x.order_key > b.low AND x.order_key < b.high
  WITH x ORDER BY x.order_key LIMIT $most
  RETURN b.number AS number, count(x) AS rows
}
RETURN number, rows
