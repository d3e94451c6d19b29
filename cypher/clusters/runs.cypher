// Runs by their ids.
// $ids
UNWIND $ids AS id
MATCH (r:ClusterRun {id: id})
RETURN properties(r) AS run
