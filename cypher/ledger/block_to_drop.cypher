// A block, and how to take it back.
// $id of the block
MATCH (b:Block {id: $id})
RETURN b.number AS number, b.hash AS hash, b.time AS time, b.announced AS announced,
       b.undo AS undo, b.noted AS noted
