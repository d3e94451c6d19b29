// Wallets join a cluster; they are in none.
// $rows of id, cluster, run
UNWIND $rows AS r
MATCH (w:Wallet {id: r.id})
MATCH (c:Cluster {id: r.cluster})
CREATE (w)-[:IN_CLUSTER {run: r.run}]->(c)
