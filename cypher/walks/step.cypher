// One step of a search along flows: who is next to some wallets, and which of others are services.
// $out, $in wallets to go on from, along their flows and against them   $token or null for all
// $most flows of a wallet that is gone on from   $ends wallets of which the flows are counted
// $checked wallets   $categories, $types what makes a service   $sure least confidence, 0 to 1
// $at epoch ms: labels as of then
UNWIND $out AS id
MATCH (w:Wallet {id: id})
WHERE w.flows_in + w.flows_out <= $most
WITH id, w
MATCH (w)-[r:FLOWED]->(o:Wallet)
WHERE $token IS NULL OR r.token = $token
RETURN 'out' AS side, id AS wallet,
  collect(o.id) AS others, collect(o.flows_in + o.flows_out) AS degrees
UNION ALL
UNWIND $in AS id
MATCH (w:Wallet {id: id})
WHERE w.flows_in + w.flows_out <= $most
WITH id, w
MATCH (w)<-[r:FLOWED]-(o:Wallet)
WHERE $token IS NULL OR r.token = $token
RETURN 'in' AS side, id AS wallet,
  collect(o.id) AS others, collect(o.flows_in + o.flows_out) AS degrees
UNION ALL
UNWIND $ends AS id
MATCH (w:Wallet {id: id})
RETURN 'end' AS side, id AS wallet, [] AS others, [w.flows_in + w.flows_out] AS degrees
UNION ALL
UNWIND $checked AS id
MATCH (:Wallet {id: id})-[:HAS_LABEL]->(l:Label)
WHERE l.confidence >= $sure
  AND (l.learned_at IS NULL OR l.learned_at <= $at)
  AND (l.withdrawn_at IS NULL OR l.withdrawn_at > $at)
  AND (l.valid_from IS NULL OR l.valid_from <= $at)
  AND (l.valid_to IS NULL OR l.valid_to > $at)
OPTIONAL MATCH (l)-[:NAMES]->(a:Actor)
WITH id, l, a
WHERE l.category IN $categories OR a.type IN $types
WITH DISTINCT id
RETURN 'service' AS side, id AS wallet, [] AS others, [] AS degrees
