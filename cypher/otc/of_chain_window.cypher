// How much of what is taken for OTC lies in a window of keys: up to $most.
// $branches of number, low and high (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (d:Detection) WHERE d.order_key > b.low AND d.order_key < b.high
  WITH d ORDER BY d.order_key LIMIT $most
  RETURN b.number AS number, count(d) AS rows
}
RETURN number, rows
