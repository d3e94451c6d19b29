// Flows out of a hub, the one with the most transfers first.
// $branches of owner, after and end (keys, exclusive)   $limit
UNWIND $branches AS b
CALL (b) {
  MATCH (f:Flow) WHERE f.sender_rank > b.after AND f.sender_rank < b.end
  WITH f ORDER BY f.sender_rank LIMIT $limit
  RETURN b.owner AS owner, CASE WHEN f.sender = b.owner THEN f.sender_rank END AS key,
    f.id AS id, f.sender AS sender, f.recipient AS recipient, f.token AS token,
    f.transfers AS transfers, f.amount_raw AS amount_raw, f.amount AS amount, f.usd AS usd,
    f.first_at AS first_at, f.last_at AS last_at
}
RETURN owner, key, id, sender, recipient, token, transfers, amount_raw, amount, usd, first_at,
  last_at
