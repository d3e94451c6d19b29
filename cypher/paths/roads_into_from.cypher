// Flows into wallets from some others, as far as a path in time may lead along them.
// $wallets ids   $far a map whose keys are the others   $token or null for all
// $since, $until epoch ms: some transfer lies there   $least digits: the sum reaches it; null for any
// uses constraint flow_id
UNWIND $wallets AS id
MATCH (:Wallet {id: id})<-[r:FLOWED]-(o)
WHERE $far[o.id] IS NOT NULL AND ($token IS NULL OR r.token = $token)
WITH r.id AS flow, o
MATCH (f:Flow {id: flow})
WHERE ($since IS NULL OR f.last_at >= $since)
  AND ($until IS NULL OR f.first_at <= $until)
  AND ($least IS NULL OR f.amount_raw IS NULL OR size(f.amount_raw) > size($least)
    OR (size(f.amount_raw) = size($least) AND f.amount_raw >= $least))
RETURN f.id AS id, f.sender AS sender, f.recipient AS recipient, f.token AS token,
  f.amount_raw AS amount_raw, f.first_at AS first_ms, f.last_at AS last_ms,
  o.flows_in AS flows_in, o.flows_out AS flows_out
