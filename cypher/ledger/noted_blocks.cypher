// Blocks that are there, and what of them was noted from others.
// $ids
UNWIND $ids AS id
MATCH (b:Block {id: id})
RETURN b.number AS number, b.hash AS hash, b.undo AS undo, b.noted AS noted,
       b.confirmed AS confirmed
