// Transactions that did not happen.
// $ids
UNWIND $ids AS id
MATCH (x:Transaction {id: id})
DETACH DELETE x
