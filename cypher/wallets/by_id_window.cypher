// How many wallets lie in a window of ids: up to $most.
// $branches of number, low and high (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (w:Wallet) WHERE w.id > b.low AND w.id < b.high
  WITH w ORDER BY w.id LIMIT $most
  RETURN b.number AS number, count(w) AS rows
}
RETURN number, rows
