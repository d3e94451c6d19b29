// Who holds most of a token, and what is known of them?
// The exact change of each wallet in what is loaded: a balance only if the whole history is.
// $token  token    the token; a chain's name stands for its own coin
// $limit  integer  rows; default 25
// $first $last  keys of $token
// Example: token=ethereum:0x10a4527b39f1344efde5047714d32065cae9e10a
MATCH (h:Holding)
WHERE h.rank_key >= $first AND h.rank_key < $last AND h.token = $token
WITH h ORDER BY h.rank_key LIMIT $limit
MATCH (w:Wallet {id: h.wallet})
RETURN w.id AS wallet,
  COLLECT { MATCH (w)-[:HAS_LABEL]->(l:Label) WHERE l.withdrawn_at IS NULL
            RETURN l.label ORDER BY l.label } AS labels,
  h.net_raw AS net_raw, h.amount AS net, h.received_raw AS received_raw, h.sent_raw AS sent_raw,
  h.transfers AS transfers, h.since_block AS since_block, h.uncounted AS uncounted
ORDER BY h.rank_key
