// Clusters on terms of somebody's own, published.
// $id and its properties   uses constraint cluster_replay_id
MERGE (r:ClusterReplay {id: $id})
SET r.name = $name, r.workspace = $workspace, r.owner = $owner, r.digest = $digest,
  r.chain = $chain, r.run = $run, r.threshold = $threshold, r.as_of_block = $as_of_block,
  r.clusters = $clusters, r.wallets = $wallets, r.made_at = $made_at
