// Flows into wallets, as far as a path in time may lead along them, and how many its other end has.
// $wallets ids   $token or null for all
// $since, $until epoch ms: some transfer lies there   $least digits: the sum reaches it; null for any
UNWIND $wallets AS id
MATCH (:Wallet {id: id})<-[:FLOW_TO]-(f)
WHERE ($token IS NULL OR f.token = $token)
  AND ($since IS NULL OR f.last_at >= $since)
  AND ($until IS NULL OR f.first_at <= $until)
  AND ($least IS NULL OR f.amount_raw IS NULL OR size(f.amount_raw) > size($least)
    OR (size(f.amount_raw) = size($least) AND f.amount_raw >= $least))
MATCH (f)-[:FLOW_FROM]->(o)
RETURN f.id AS id, f.sender AS sender, f.recipient AS recipient, f.token AS token,
  f.amount_raw AS amount_raw, f.first_at AS first_ms, f.last_at AS last_ms,
  o.flows_in AS flows_in, o.flows_out AS flows_out
