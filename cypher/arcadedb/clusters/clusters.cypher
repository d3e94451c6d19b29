// Clusters of a chain, in the order of their ids. They come in the order of the index by themselves, and
// would all be sorted for every page if the statement asked for it.
// $after, $end keys, exclusive   $limit
MATCH (c:Cluster) WHERE c.id > $after AND c.id < $end
WITH c LIMIT $limit
RETURN c.id AS key, c.size AS size, c.actor AS actor, c.suspicion AS suspicion,
  c.refused AS refused
