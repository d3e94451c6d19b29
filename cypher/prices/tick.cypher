// The newest price of assets; an older one than is known changes nothing.
// $rows of asset, at, usd and source
UNWIND $rows AS r
MATCH (a:Asset {id: r.asset}) WHERE a.usd_at IS NULL OR a.usd_at < r.at
SET a.usd = r.usd, a.usd_at = r.at, a.usd_source = r.source
RETURN a.id AS asset, a.symbol AS symbol
