// Which transfers are there already.
// $ids
UNWIND $ids AS id
MATCH (t:Transfer {id: id})
RETURN t.id AS id
