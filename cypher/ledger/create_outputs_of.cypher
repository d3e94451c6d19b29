// Which transaction created which output.
// $rows of id and transaction
UNWIND $rows AS r
MATCH (x:Transaction {id: r.transaction}), (o:Output {id: r.id})
CREATE (x)-[:CREATED]->(o)
