// Which transaction spends which output.
// $rows of id, transaction and place among the inputs
UNWIND $rows AS r
MATCH (x:Transaction {id: r.transaction}), (o:Output {id: r.id})
CREATE (x)-[:SPENT {place: r.place}]->(o)
