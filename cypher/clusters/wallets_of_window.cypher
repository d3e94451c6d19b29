// How many wallets of a cluster lie in a window of keys: up to $most.
// $branches of number, low and high (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (m:Member) WHERE m.cluster_key > b.low AND m.cluster_key < b.high
  WITH m ORDER BY m.cluster_key LIMIT $most
  RETURN b.number AS number, count(m) AS rows
}
RETURN number, rows
