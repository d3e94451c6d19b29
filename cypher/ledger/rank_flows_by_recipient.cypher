// Order of a hub's incoming flows.
// $rows of id and rank
UNWIND $rows AS r
MATCH (f:Flow {id: r.id})
SET f.recipient_rank = r.rank
