// How many labels lie in a window of keys: up to $most.
// $branches of number, low and high (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (l:Label) WHERE l.id > b.low AND l.id < b.high
  WITH l ORDER BY l.id LIMIT $most
  RETURN b.number AS number, count(l) AS rows
}
RETURN number, rows
