// The newest price of an asset within a range of keys, which begin with the newest: an order in
// the statement would have the whole range sorted.
// $low and $high   uses constraint price_id
MATCH (p:Price) WHERE p.id >= $low AND p.id <= $high
WITH p LIMIT 1
RETURN p.asset AS asset, p.usd AS usd, p.at AS at, p.source AS source
