// Flows between neighbours: those out of a near wallet, and those into it.
// $out, $in maps of near and far   $token or null for all
UNWIND $out AS h
MATCH (:Wallet {id: h.near})<-[:FLOW_FROM]-(f)
WHERE f.recipient = h.far AND ($token IS NULL OR f.token = $token)
RETURN h.near AS owner, null AS key,
  f.id AS id, f.sender AS sender, f.recipient AS recipient, f.token AS token,
  f.transfers AS transfers, f.amount_raw AS amount_raw, f.amount AS amount, f.usd AS usd,
  f.first_at AS first_at, f.last_at AS last_at
UNION ALL
UNWIND $in AS h
MATCH (:Wallet {id: h.near})<-[:FLOW_TO]-(f)
WHERE f.sender = h.far AND ($token IS NULL OR f.token = $token)
RETURN h.near AS owner, null AS key,
  f.id AS id, f.sender AS sender, f.recipient AS recipient, f.token AS token,
  f.transfers AS transfers, f.amount_raw AS amount_raw, f.amount AS amount, f.usd AS usd,
  f.first_at AS first_at, f.last_at AS last_at
