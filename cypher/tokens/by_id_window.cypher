// How many tokens lie in a window of ids: up to $most.
// $branches of number, low and high (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Token) WHERE t.id > b.low AND t.id < b.high
  WITH t ORDER BY t.id LIMIT $most
  RETURN b.number AS number, count(t) AS rows
}
RETURN number, rows
