// Flows by their ids; an id that is not there has no row.
// $ids   uses constraint flow_id
UNWIND $ids AS id
MATCH (f:Flow {id: id})
RETURN null AS owner, null AS key,
  f.id AS id, f.sender AS sender, f.recipient AS recipient, f.token AS token,
  f.transfers AS transfers, f.amount_raw AS amount_raw, f.amount AS amount, f.usd AS usd,
  f.first_at AS first_at, f.last_at AS last_at
