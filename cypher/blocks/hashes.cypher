// Hashes and times of blocks that are there.
// $ids of blocks
UNWIND $ids AS id
MATCH (b:Block {id: id})
RETURN b.chain AS chain, b.number AS number, b.hash AS hash, b.time AS time
