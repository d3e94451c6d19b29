// A wallet's outputs, and when each was created and spent as far as that is loaded.
// $wallet   $limit
MATCH (:Wallet {id: $wallet})-[:OWNS]->(o:Output)
WITH o LIMIT $limit
OPTIONAL MATCH (c:Transaction)-[:CREATED]->(o)
OPTIONAL MATCH (s:Transaction)-[:SPENT]->(o)
RETURN o.amount_raw AS amount_raw, o.created AS created, o.spent AS spent,
  c.block_time AS created_at, c.block_number AS created_in, s.block_time AS spent_at
