// Order of a hub's outgoing flows.
// $rows of id and rank
UNWIND $rows AS r
MATCH (f:Flow {id: r.id})
SET f.sender_rank = r.rank
