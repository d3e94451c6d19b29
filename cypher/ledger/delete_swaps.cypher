// Swaps that did not happen.
// $ids
UNWIND $ids AS id
MATCH (s:Swap {id: id})
DETACH DELETE s
