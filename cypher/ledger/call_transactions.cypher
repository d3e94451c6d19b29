// Recipients of transactions that were stubs until now.
// $rows
UNWIND $rows AS r
MATCH (x:Transaction {id: r.id}), (c:Wallet {id: r.recipient})
CREATE (x)-[:CALLED]->(c)
