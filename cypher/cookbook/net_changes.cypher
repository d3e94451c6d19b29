// What did this wallet receive, send and keep of each token?
// Exact, in base units. It is what is loaded that adds up here, fees are not in it.
// $wallet  account  the wallet
// $limit   integer  rows; default 100
// Example: wallet=ethereum:0x31c7fbe8e8a69c7cefc73f8c8d2595f732ac5d82
MATCH (:Wallet {id: $wallet})-[road:HOLDS]->(k:Token)
WITH k, road.id AS holding
MATCH (h:Holding {id: holding})
RETURN k.symbol AS symbol, k.id AS token, k.decimals AS decimals, h.received_raw AS received_raw,
  h.sent_raw AS sent_raw, h.net_raw AS net_raw, h.amount AS net, h.transfers AS transfers,
  h.since_block AS since_block, h.uncounted AS uncounted
ORDER BY transfers DESC, token
LIMIT $limit
