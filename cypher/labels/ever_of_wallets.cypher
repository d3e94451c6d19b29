// Labels that wallets ever had, withdrawn ones included, the surest first: up to $first of each.
// $wallets CAIP-10 ids   $first   uses constraint wallet_id
UNWIND $wallets AS id
MATCH (:Wallet {id: id})-[:HAS_LABEL]->(l:Label)
WITH id, l ORDER BY l.confidence DESC, l.id
WITH id, collect(l)[0..$first] AS found
UNWIND found AS l
RETURN id AS wallet,
  l.id AS id, l.label AS label, l.category AS category, l.confidence AS confidence,
  l.source AS source, l.source_url AS source_url, l.actor AS actor,
  l.valid_from AS valid_from, l.valid_to AS valid_to, l.learned_at AS learned_at,
  l.withdrawn_at AS withdrawn_at, l.source_category AS source_category,
  l.defines_cluster AS defines_cluster, l.note AS note
