// A run as it stands.
// $id, and $values of its properties
MERGE (r:ClusterRun {id: $id})
SET r += $values
