// How many holdings of a token lie in a window of keys: up to $most.
// $branches of number, low and high (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (h:Holding) WHERE h.rank_key > b.low AND h.rank_key < b.high
  WITH h ORDER BY h.rank_key LIMIT $most
  RETURN b.number AS number, count(h) AS rows
}
RETURN number, rows
