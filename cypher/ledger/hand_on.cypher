// What takes a block back, with what another block has left to do.
// $id of the block, $undo and $noted
MATCH (b:Block {id: $id})
SET b.undo = $undo, b.noted = $noted
