// The newest price of an asset within a range of keys, which begin with the newest.
// $branches of low and high   uses constraint price_id
UNWIND $branches AS b
CALL (b) {
  MATCH (p:Price) WHERE p.id >= b.low AND p.id <= b.high
  RETURN p.asset AS asset, p.usd AS usd, p.at AS at, p.source AS source
  ORDER BY p.id LIMIT 1
}
RETURN asset, usd, at, source
