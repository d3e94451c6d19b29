// One label and the wallets that it is tied to.
// $id   uses constraint label_id
MATCH (l:Label {id: $id})
OPTIONAL MATCH (w:Wallet)-[:HAS_LABEL]->(l)
WITH l, collect(w.id) AS accounts
RETURN accounts,
  l.id AS id, l.label AS label, l.category AS category, l.confidence AS confidence,
  l.source AS source, l.source_url AS source_url, l.actor AS actor,
  l.valid_from AS valid_from, l.valid_to AS valid_to, l.learned_at AS learned_at,
  l.withdrawn_at AS withdrawn_at, l.source_category AS source_category,
  l.defines_cluster AS defines_cluster, l.note AS note
