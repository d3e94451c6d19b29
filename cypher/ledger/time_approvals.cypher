// The time of approvals that were loaded before their block.
// $rows of id and time
UNWIND $rows AS r
MATCH (a:Approval {id: r.id})
SET a.block_time = r.time
