// The time of transactions that were loaded before their block.
// $rows of id and time
UNWIND $rows AS r
MATCH (x:Transaction {id: r.id})
SET x.block_time = r.time
