// The time of swaps that were loaded before their block.
// $rows of id and time
UNWIND $rows AS r
MATCH (s:Swap {id: r.id})
SET s.block_time = r.time
