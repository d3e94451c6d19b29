// Acts of issuers that did not happen.
// $ids
UNWIND $ids AS id
MATCH (f:Freeze {id: id})
DETACH DELETE f
