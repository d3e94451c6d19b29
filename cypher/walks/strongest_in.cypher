// The strongest flows into wallets that have not very many: those with the most transfers or amount.
// $wallets ids   $by_amount   $token or null for all   $since epoch ms or null
// $limit flows of each wallet   $below, $behind strength and id of the flow before; null for none
UNWIND $wallets AS id
CALL (id) {
  MATCH (:Wallet {id: id})<-[:FLOW_TO]-(f)
  WHERE ($token IS NULL OR f.token = $token) AND ($since IS NULL OR f.last_at >= $since)
  WITH f, CASE WHEN $by_amount THEN coalesce(f.amount, 0.0) ELSE f.transfers END AS strength
  WHERE $behind IS NULL OR strength < $below OR (strength = $below AND f.id > $behind)
  WITH f, strength ORDER BY strength DESC, f.id LIMIT $limit
  RETURN f
}
RETURN id AS owner, null AS key,
  f.id AS id, f.sender AS sender, f.recipient AS recipient, f.token AS token,
  f.transfers AS transfers, f.amount_raw AS amount_raw, f.amount AS amount, f.usd AS usd,
  f.first_at AS first_at, f.last_at AS last_at
