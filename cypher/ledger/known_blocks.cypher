// Blocks that are there, with their times.
// $ids
UNWIND $ids AS id
MATCH (b:Block {id: id})
RETURN b.number AS number, b.time AS time, b.hash AS hash
