// With whom did this desk trade, and how much went each way?
// One row for each counterparty and token, both directions side by side, the busiest first.
// $wallet  account  a wallet of the desk
// $limit   integer  rows; default 50
// Example: wallet=ethereum:0x31c7fbe8e8a69c7cefc73f8c8d2595f732ac5d82
MATCH (:Wallet {id: $wallet})-[road:FLOWED]-(other:Wallet)
WHERE other.id <> $wallet
WITH other, road.id AS flow
MATCH (f:Flow {id: flow})
WITH other, f.token AS token, sum(f.transfers) AS transfers,
  max(CASE WHEN f.sender = $wallet THEN f.amount_raw END) AS paid_raw,
  max(CASE WHEN f.recipient = $wallet THEN f.amount_raw END) AS received_raw,
  max(CASE WHEN f.sender = $wallet THEN f.amount END) AS paid,
  max(CASE WHEN f.recipient = $wallet THEN f.amount END) AS received
ORDER BY transfers DESC, other.id, token
LIMIT $limit
OPTIONAL MATCH (k:Token {id: token})
RETURN other.id AS counterparty,
  COLLECT { MATCH (other)-[:HAS_LABEL]->(l:Label) WHERE l.withdrawn_at IS NULL
            RETURN l.label ORDER BY l.label } AS labels,
  k.symbol AS symbol, transfers, paid_raw, received_raw, paid, received
ORDER BY transfers DESC, counterparty, token
