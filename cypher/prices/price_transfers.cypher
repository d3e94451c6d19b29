// What transfers are worth.
// $rows of id, usd, source and at
UNWIND $rows AS r
MATCH (t:Transfer {id: r.id})
SET t.usd = r.usd, t.usd_source = r.source, t.usd_at = r.at
