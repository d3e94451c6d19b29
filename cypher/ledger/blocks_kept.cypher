// Blocks that are there, their hashes, and whether their transfers were announced.
// $ids of blocks
UNWIND $ids AS id
MATCH (b:Block {id: id})
RETURN b.number AS number, b.hash AS hash, b.announced AS announced
