// Swaps that a wallet made by its $scan newest transactions, the newest first: up to $limit.
// $owner, $after and $end (keys, exclusive), joined by UNION ALL for several owners. No ORDER BY
// and no other condition beside the range: this engine would sort, or leave the index; a MATCH
// that follows would make it do so as well.
MATCH (x:Transaction) WHERE x.sender_key > $after AND x.sender_key < $end
WITH x LIMIT $scan
WITH x.sender_key AS key, x.id AS transaction,
  CASE WHEN x.sender = $owner THEN [(x)-[:SWAPPED]->(s:Swap) | s] ELSE [] END AS made
UNWIND made AS s
WITH key, transaction, s ORDER BY key, s.id LIMIT $limit
RETURN $owner AS owner, key, transaction, s.id AS id, s.chain AS chain, s.protocol AS protocol,
  s.pool AS pool, s.sender AS sender, s.recipient AS recipient, s.amount0_raw AS amount0_raw,
  s.amount1_raw AS amount1_raw, s.block_number AS block_number, s.block_time AS block_time
