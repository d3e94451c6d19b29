// Blocks that are not in their chain any more.
// $ids
UNWIND $ids AS id
MATCH (b:Block {id: id})
DELETE b
