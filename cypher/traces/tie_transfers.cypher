// Which transfers carried traced value.
// $id of the trace   $rows of transfer, traced_raw and hops
UNWIND $rows AS r
MATCH (t:Trace {id: $id}), (x:Transfer {id: r.transfer})
CREATE (t)-[:FOLLOWED {traced_raw: r.traced_raw, hops: r.hops}]->(x)
