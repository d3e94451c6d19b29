// How many labels of a category lie in a window of keys: up to $most.
// $branches of number, low and high (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (l:Label) WHERE l.category_key > b.low AND l.category_key < b.high
  WITH l ORDER BY l.category_key LIMIT $most
  RETURN b.number AS number, count(l) AS rows
}
RETURN number, rows
