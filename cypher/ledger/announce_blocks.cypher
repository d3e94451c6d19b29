// That the world was told of blocks, with their hashes where they are known.
// $ids
UNWIND $ids AS id
MATCH (b:Block {id: id})
SET b.announced = true
RETURN b.number AS number, b.hash AS hash
