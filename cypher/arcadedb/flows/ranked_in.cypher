// Flows into a hub, the one with the most transfers first.
// $owner, $after and $end (keys, exclusive)   $limit
MATCH (f:Flow) WHERE f.recipient_rank > $after AND f.recipient_rank < $end
WITH f LIMIT $limit
RETURN $owner AS owner, CASE WHEN f.recipient = $owner THEN f.recipient_rank END AS key,
  f.id AS id, f.sender AS sender, f.recipient AS recipient, f.token AS token,
  f.transfers AS transfers, f.amount_raw AS amount_raw, f.amount AS amount, f.usd AS usd,
  f.first_at AS first_at, f.last_at AS last_at
