// Which swaps are there already.
// $ids
UNWIND $ids AS id
MATCH (s:Swap {id: id})
RETURN s.id AS id
