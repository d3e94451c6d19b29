// What happened inside this transaction?
// Its transfers, approvals and swaps in the order in which they happened.
// $transaction  transaction  the transaction
// $limit        integer      rows; default 200
// Example: transaction=ethereum:0x0e6a506dec3185c68917437af6ed26e497f12e549072e0c78a749d4126dca888
MATCH (x:Transaction {id: $transaction})
CALL (x) {
  MATCH (x)-[:MOVED]->(t:Transfer)
  OPTIONAL MATCH (k:Token {id: t.token})
  RETURN t.order_key AS place, 'transfer' AS what, t.position AS position, t.sender AS sender,
    t.recipient AS recipient, coalesce(k.symbol, t.token) AS token, t.amount_raw AS amount_raw
  UNION ALL
  MATCH (x)-[:SWAPPED]->(s:Swap)
  RETURN '' AS place, 'swap by ' + s.protocol AS what,
    split(s.id, $transaction + ':')[1] AS position, s.sender AS sender,
    s.recipient AS recipient, s.pool AS token,
    s.amount0_raw + ' / ' + s.amount1_raw AS amount_raw
}
RETURN what, position, sender, recipient, token, amount_raw
ORDER BY CASE WHEN position STARTS WITH 'log:' THEN toInteger(substring(position, 4)) ELSE -1 END,
  place DESC, position
LIMIT $limit
