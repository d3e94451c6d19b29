// Transactions of transfers that have no sender.
// $rows
UNWIND $rows AS r
MATCH (t:Transfer {id: r.id}), (x:Transaction {id: r.transaction})
CREATE (x)-[:MOVED]->(t)
