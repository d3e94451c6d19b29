// Labels that are taken back: what was known before stays known.
// $rows of id and withdrawn_at
UNWIND $rows AS r
MATCH (l:Label {id: r.id})
SET l.withdrawn_at = coalesce(l.withdrawn_at, r.withdrawn_at)
