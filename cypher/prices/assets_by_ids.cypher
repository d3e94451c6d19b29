// Assets with their newest prices.
// $ids
UNWIND $ids AS id
MATCH (a:Asset {id: id})
RETURN a.id AS id, a.symbol AS symbol, a.usd AS usd, a.usd_source AS source, a.usd_at AS at
