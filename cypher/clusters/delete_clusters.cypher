// Clusters that are gone: their wallets are in others, or in none.
// $ids
UNWIND $ids AS id
MATCH (c:Cluster {id: id})
DETACH DELETE c
