// The flows out of wallets with the most transfers, for wallets without very many of them.
// $wallets ids   $token or null for all   $since epoch ms or null   $limit flows of each wallet
UNWIND $wallets AS id
CALL (id) {
  MATCH (:Wallet {id: id})<-[:FLOW_FROM]-(f)
  WHERE ($token IS NULL OR f.token = $token) AND ($since IS NULL OR f.last_at >= $since)
  WITH f ORDER BY f.transfers DESC, f.recipient, f.token LIMIT $limit
  RETURN f
}
RETURN id AS owner, null AS key,
  f.id AS id, f.sender AS sender, f.recipient AS recipient, f.token AS token,
  f.transfers AS transfers, f.amount_raw AS amount_raw, f.amount AS amount, f.usd AS usd,
  f.first_at AS first_at, f.last_at AS last_at
