// Wallets leave the cluster that they are in.
// $ids
UNWIND $ids AS id
MATCH (w:Wallet {id: id})-[r:IN_CLUSTER]->(:Cluster)
DELETE r
