// Transactions whose ids begin so: up to $limit.
// $branches of prefix
UNWIND $branches AS b
CALL (b) {
  MATCH (x:Transaction) WHERE x.id STARTS WITH b.prefix
  WITH x ORDER BY x.id LIMIT $limit
  RETURN x.id AS id
}
RETURN id
