// Flows between wallets and their busiest counterparties, for wallets without very many of them.
// $wallets ids   $token or null for all   $since epoch ms or null
// $limit pairs of a counterparty and a token for each wallet
UNWIND $wallets AS id
CALL (id) {
  MATCH (:Wallet {id: id})<-[:FLOW_FROM|FLOW_TO]-(f)
  WHERE ($token IS NULL OR f.token = $token) AND ($since IS NULL OR f.last_at >= $since)
  WITH DISTINCT id AS wallet, f
  WITH CASE WHEN f.sender = wallet THEN f.recipient ELSE f.sender END AS other,
    f.token AS token, sum(f.transfers) AS transfers, collect(f) AS flows
  ORDER BY transfers DESC, other, token LIMIT $limit
  UNWIND flows AS f
  RETURN f
}
RETURN id AS owner, null AS key,
  f.id AS id, f.sender AS sender, f.recipient AS recipient, f.token AS token,
  f.transfers AS transfers, f.amount_raw AS amount_raw, f.amount AS amount, f.usd AS usd,
  f.first_at AS first_at, f.last_at AS last_at
