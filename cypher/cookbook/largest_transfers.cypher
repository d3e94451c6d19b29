// Which were the largest transfers of a token in a window?
// Reads the token's transfers from an index, newest block first, and ranks them exactly.
// $token       token    the token; a chain's name stands for its own coin
// $since       moment   from this moment on; default 1970-01-01
// $until       moment   before this moment; default 9999-12-31
// $from_block  integer  lowest block to read; default null
// $to_block    integer  highest block to read; default null
// $limit       integer  rows; default 20
// $first $last  keys of $token between $from_block and $to_block
// Example: token=ethereum:0x10a4527b39f1344efde5047714d32065cae9e10a since=2026-02-01 until=2026-02-08
MATCH (t:Transfer)
WHERE t.token_key >= $first AND t.token_key < $last
  AND t.token = $token AND t.block_time >= $since AND t.block_time < $until
  AND t.amount_raw IS NOT NULL
WITH t ORDER BY size(t.amount_raw) DESC, t.amount_raw DESC, t.token_key
LIMIT $limit
RETURN datetime({epochMillis: t.block_time}) AS at, t.amount_raw AS amount_raw,
  t.amount AS amount, t.sender AS sender, t.recipient AS recipient, t.transaction AS transaction
