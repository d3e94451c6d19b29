// Owners of outputs.
// $rows of id and owner
UNWIND $rows AS r
MATCH (w:Wallet {id: r.owner}), (o:Output {id: r.id})
CREATE (w)-[:OWNS]->(o)
