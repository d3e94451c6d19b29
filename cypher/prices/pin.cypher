// Prices that transfers are valued by: they stay for good, and come back if they are gone.
// $rows of id, asset, at, usd and source
UNWIND $rows AS r
MERGE (p:Price {id: r.id})
ON CREATE SET p.asset = r.asset, p.at = r.at, p.usd = r.usd, p.source = r.source
SET p.pinned = true
