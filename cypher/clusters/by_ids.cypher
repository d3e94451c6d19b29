// Clusters by their ids.
// $ids
UNWIND $ids AS id
MATCH (c:Cluster {id: id})
RETURN c.id AS id, c.chain AS chain, c.size AS size, c.actor AS actor, c.suspicion AS suspicion,
  c.refused AS refused, c.run AS run
