// Totals of flows.
// $ids
UNWIND $ids AS id
MATCH (f:Flow {id: id})
RETURN f.id AS id, f.sender AS sender, f.recipient AS recipient, f.token AS token,
       f.transfers AS transfers, f.amount_raw AS amount_raw,
       f.first_at AS first_at, f.last_at AS last_at
