// Blocks that are too deep to be taken back.
// $ids
UNWIND $ids AS id
MATCH (b:Block {id: id})
SET b.undo = null, b.noted = null
