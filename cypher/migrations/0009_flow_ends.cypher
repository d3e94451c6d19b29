// backfill
// Ways between wallets and the totals of their flows, where flows were written without.
// $after id of the last flow of the step before   $limit   uses constraint flow_id
MATCH (f:Flow) WHERE f.id > $after
WITH f ORDER BY f.id LIMIT $limit
MATCH (a:Wallet {id: f.sender})
MATCH (b:Wallet {id: f.recipient})
CREATE (f)-[:FLOW_FROM]->(a)
CREATE (f)-[:FLOW_TO]->(b)
RETURN max(f.id) AS last, count(f) AS changed;
