// Wallets by their ids, and whether a label of a moment says that they are services.
// $ids   $categories, $types what makes a service   $sure least confidence, 0 to 1
// $at epoch ms: labels as of then   uses constraint wallet_id
UNWIND $ids AS id
MATCH (w:Wallet {id: id})
CALL (w) {
  OPTIONAL MATCH (w)-[:HAS_LABEL]->(l:Label)
  WHERE l.confidence >= $sure
    AND (l.learned_at IS NULL OR l.learned_at <= $at)
    AND (l.withdrawn_at IS NULL OR l.withdrawn_at > $at)
    AND (l.valid_from IS NULL OR l.valid_from <= $at)
    AND (l.valid_to IS NULL OR l.valid_to > $at)
  OPTIONAL MATCH (l)-[:NAMES]->(a:Actor)
  RETURN count(CASE WHEN l.category IN $categories OR a.type IN $types THEN 1 END) AS services
}
RETURN w.id AS id, w.chain AS chain, w.address AS address, w.kind AS kind,
  w.first_seen_at AS first_seen_at, w.last_seen_at AS last_seen_at,
  w.transfers_in AS transfers_in, w.transfers_out AS transfers_out,
  w.flows_in AS flows_in, w.flows_out AS flows_out, w.newest AS newest, services > 0 AS service
