// Swaps that transactions made, in the order of their ids.
// $transactions ids   $limit rows for each
UNWIND $transactions AS id
CALL (id) {
  MATCH (:Transaction {id: id})-[:SWAPPED]->(s:Swap)
  RETURN s ORDER BY s.id LIMIT $limit
}
RETURN id AS transaction,
  s.id AS id, s.chain AS chain, s.protocol AS protocol, s.pool AS pool, s.sender AS sender,
  s.recipient AS recipient, s.amount0_raw AS amount0_raw, s.amount1_raw AS amount1_raw,
  s.block_number AS block_number, s.block_time AS block_time
