// Which actors are there already.
// $ids
UNWIND $ids AS id
MATCH (a:Actor {id: id})
RETURN a.id AS id
