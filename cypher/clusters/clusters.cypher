// Clusters of a chain, in the order of their ids.
// $after, $end keys, exclusive   $limit
MATCH (c:Cluster) WHERE c.id > $after AND c.id < $end
WITH c ORDER BY c.id LIMIT $limit
RETURN c.id AS key, c.size AS size, c.actor AS actor, c.suspicion AS suspicion,
  c.refused AS refused
