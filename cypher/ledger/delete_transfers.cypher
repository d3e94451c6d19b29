// Transfers that did not happen.
// $ids
UNWIND $ids AS id
MATCH (t:Transfer {id: id})
DETACH DELETE t
