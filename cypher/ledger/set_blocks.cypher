// Blocks, new or known; what is known stays.
// $rows
UNWIND $rows AS r
MERGE (b:Block {id: r.id})
SET b.chain = r.chain, b.number = r.number, b.hash = coalesce(b.hash, r.hash),
    b.parent_hash = coalesce(b.parent_hash, r.parent_hash), b.time = coalesce(b.time, r.time)
