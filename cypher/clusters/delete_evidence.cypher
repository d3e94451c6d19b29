// Evidence that does not hold any more.
// $ids
UNWIND $ids AS id
MATCH (e:Evidence {id: id})
DETACH DELETE e
