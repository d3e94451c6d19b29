// What others tell of blocks: announced, how to take it back, and whether they vouch for it.
// $rows of id, noted and confirmed
UNWIND $rows AS r
MATCH (b:Block {id: r.id})
SET b.announced = true, b.noted = r.noted, b.confirmed = coalesce(b.confirmed, r.confirmed)
