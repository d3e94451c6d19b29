// Which cluster wallets are in.
// $rows of id, chain, cluster, cluster_key, run
UNWIND $rows AS r
MERGE (m:Member {id: r.id})
SET m.chain = r.chain, m.cluster = r.cluster, m.cluster_key = r.cluster_key, m.run = r.run
