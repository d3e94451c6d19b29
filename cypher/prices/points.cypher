// Some prices of an asset within a range of keys. The range stands alone in its WHERE: with any
// other condition the embedded engine leaves the index.
// $low and $high   $limit   uses constraint price_id
MATCH (p:Price) WHERE p.id >= $low AND p.id <= $high
WITH p LIMIT $limit
RETURN p.id AS id, p.at AS at, coalesce(p.pinned, false) AS pinned
