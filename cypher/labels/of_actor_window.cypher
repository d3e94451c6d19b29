// How many labels of an actor lie in a window of keys: up to $most.
// $branches of number, low and high (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (l:Label) WHERE l.actor_key > b.low AND l.actor_key < b.high
  WITH l ORDER BY l.actor_key LIMIT $most
  RETURN b.number AS number, count(l) AS rows
}
RETURN number, rows
