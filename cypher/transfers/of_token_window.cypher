// How many transfers of a token lie in a window of keys: up to $most.
// $branches of number, low and high (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Transfer) WHERE t.token_key > b.low AND t.token_key < b.high
  WITH t ORDER BY t.token_key LIMIT $most
  RETURN b.number AS number, count(t) AS rows
}
RETURN number, rows
