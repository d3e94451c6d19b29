// What wallets received and sent of each token, the most used token first.
// $wallets ids   $tokens ids or null for all   $limit rows for each wallet
UNWIND $wallets AS id
CALL (id) {
  MATCH (:Wallet {id: id})-[r:HOLDS]->(:Token)
  WITH r.id AS holding
  MATCH (h:Holding {id: holding})
  WITH h
  WHERE $tokens IS NULL OR h.token IN $tokens
  RETURN h ORDER BY h.transfers DESC, h.token LIMIT $limit
}
RETURN
  h.id AS id, h.wallet AS wallet, h.token AS token, h.received_raw AS received_raw,
  h.sent_raw AS sent_raw, h.net_raw AS net_raw, h.amount AS amount, h.transfers AS transfers,
  h.uncounted AS uncounted, h.first_at AS first_at, h.last_at AS last_at,
  h.since_block AS since_block
