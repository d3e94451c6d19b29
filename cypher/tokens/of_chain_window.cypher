// How many tokens of a chain lie in a window of keys: up to $most.
// $branches of number, low and high (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Token) WHERE t.rank_key > b.low AND t.rank_key < b.high
  WITH t ORDER BY t.rank_key LIMIT $most
  RETURN b.number AS number, count(t) AS rows
}
RETURN number, rows
