// Which cluster of a replay wallets are in.
// $id of the replay   $rows of wallet, cluster, size and actor
UNWIND $rows AS p
MATCH (r:ClusterReplay {id: $id}), (w:Wallet {id: p.wallet})
CREATE (r)-[:PLACED {cluster: p.cluster, size: p.size, actor: p.actor}]->(w)
