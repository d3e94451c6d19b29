// Which acts of issuers are there already.
// $ids
UNWIND $ids AS id
MATCH (f:Freeze {id: id})
RETURN f.id AS id
