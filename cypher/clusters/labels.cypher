// Labels in the order of their ids, with the wallets of a chain that they speak of.
// $after, $end keys, exclusive   $limit   $chain
MATCH (l:Label) WHERE l.id > $after AND l.id < $end
WITH l ORDER BY l.id LIMIT $limit
RETURN l.id AS key, l.category AS category, l.confidence AS confidence, l.actor AS actor,
  l.valid_from AS valid_from, l.valid_to AS valid_to, l.learned_at AS learned_at,
  l.withdrawn_at AS withdrawn_at,
  [(l)<-[:HAS_LABEL]-(w:Wallet) WHERE w.chain = $chain | w.id] AS wallets,
  [(l)-[:NAMES]->(a:Actor) | a.type] AS types
