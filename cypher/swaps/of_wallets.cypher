// Swaps that a wallet made by its $scan newest transactions, the newest first: up to $limit.
// $branches of owner, after and end (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (x:Transaction) WHERE x.sender_key > b.after AND x.sender_key < b.end
  WITH x ORDER BY x.sender_key LIMIT $scan
  WHERE x.sender = b.owner
  MATCH (x)-[:SWAPPED]->(s:Swap)
  WITH x, s ORDER BY x.sender_key, s.id LIMIT $limit
  RETURN x.sender_key AS key, x.id AS transaction, s.id AS id, s.chain AS chain,
    s.protocol AS protocol, s.pool AS pool, s.sender AS sender, s.recipient AS recipient,
    s.amount0_raw AS amount0_raw, s.amount1_raw AS amount1_raw, s.block_number AS block_number,
    s.block_time AS block_time
}
RETURN b.owner AS owner, key, transaction, id, chain, protocol, pool, sender, recipient,
  amount0_raw, amount1_raw, block_number, block_time
