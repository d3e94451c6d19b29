// Wallets whose ids begin so: up to $limit.
// $branches of prefix
UNWIND $branches AS b
CALL (b) {
  MATCH (w:Wallet) WHERE w.id STARTS WITH b.prefix
  WITH w ORDER BY w.id LIMIT $limit
  RETURN w.id AS id
}
RETURN id
