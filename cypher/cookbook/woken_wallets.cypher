// Which dormant wallets woke up?
// Senders in the blocks of a window that had neither sent nor received for so many days before.
// $chain       chain    the chain
// $from_block  integer  lowest block of the window
// $to_block    integer  highest block of the window; default null
// $days        integer  how long they had been still; default 30
// $hub         integer  wallets with more transfers are left out: they never sleep; default 2000
// $limit       integer  rows; default 50
// $first $last  keys of $chain between $from_block and $to_block
// Example: chain=ethereum from_block=24430000 days=20
MATCH (t:Transfer)
WHERE t.order_key >= $first AND t.order_key < $last AND t.chain = $chain
  AND t.block_time IS NOT NULL AND t.sender IS NOT NULL
WITH t.sender AS sender, min(t.block_time) AS woke_at
MATCH (w:Wallet {id: sender})
WHERE w.transfers_in + w.transfers_out <= $hub AND w.first_seen_at < woke_at - $days * 86400000
MATCH (w)-[:SENT|REACHED]-(p:Transfer)
WHERE p.block_time < woke_at
WITH w, woke_at, max(p.block_time) AS still_since
WHERE woke_at - still_since >= $days * 86400000
RETURN w.id AS wallet, datetime({epochMillis: still_since}) AS still_since,
  datetime({epochMillis: woke_at}) AS woke_at, (woke_at - still_since) / 86400000 AS days
ORDER BY days DESC, wallet
LIMIT $limit
