// Prices in time; one that is kept already stays, so that whoever used it can show it.
// $rows of id, asset, at, usd and source
UNWIND $rows AS r
MERGE (p:Price {id: r.id})
ON CREATE SET p.asset = r.asset, p.at = r.at, p.usd = r.usd, p.source = r.source
