// Times of transfers whose block was loaded after them.
// $rows of id and time
UNWIND $rows AS r
MATCH (t:Transfer {id: r.id})
SET t.block_time = r.time
