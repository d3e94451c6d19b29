// Prices of an asset within a range of keys.
// $low and $high   uses constraint price_id
MATCH (p:Price) WHERE p.id >= $low AND p.id <= $high
RETURN p.asset AS asset, p.usd AS usd, p.at AS at, p.source AS source
