// The cluster of each wallet.
// $wallets
UNWIND $wallets AS id
MATCH (m:Member {id: id})
MATCH (c:Cluster {id: m.cluster})
RETURN id AS wallet, c.id AS id, c.chain AS chain, c.size AS size, c.actor AS actor,
  c.suspicion AS suspicion, c.refused AS refused, c.run AS run
