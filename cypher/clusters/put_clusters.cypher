// Clusters as they are now.
// $rows of id, chain, size, actor, suspicion, refused, run
UNWIND $rows AS r
MERGE (c:Cluster {id: r.id})
SET c.chain = r.chain, c.size = r.size, c.actor = r.actor, c.suspicion = r.suspicion,
  c.refused = r.refused, c.run = r.run
