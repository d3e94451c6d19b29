// Where transactions stand in their blocks.
// $ids   uses constraint transaction_id
UNWIND $ids AS id
MATCH (x:Transaction {id: id})
RETURN x.id AS id, x.index AS index
