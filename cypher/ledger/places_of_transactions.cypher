// The blocks of transactions that are there.
// $ids
UNWIND $ids AS id
MATCH (x:Transaction {id: id})
RETURN x.id AS id, x.block_number AS block_number
