// What following adds to blocks: whether they were announced, and how to take them back.
// $rows of id, announced and undo
UNWIND $rows AS r
MATCH (b:Block {id: r.id})
SET b.announced = coalesce(r.announced, b.announced), b.undo = r.undo
