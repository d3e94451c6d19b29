// Transactions that a wallet signed or received, newest first: $limit of each side.
// $owner, $after and $end (keys, exclusive), joined by UNION ALL for several owners. No ORDER BY
// and no other condition beside the range: this engine would sort, or leave the index.
MATCH (x:Transaction) WHERE x.sender_key > $after AND x.sender_key < $end
WITH x LIMIT $limit
RETURN $owner AS owner, 'out' AS side, null AS scanned, null AS last,
  CASE WHEN x.sender = $owner THEN x.sender_key END AS key,
  x.id AS id, x.chain AS chain, x.hash AS hash, x.block_number AS block_number,
  x.block_time AS block_time, x.index AS index, x.status AS status, x.sender AS sender,
  x.recipient AS recipient, x.value_raw AS value_raw, x.method_id AS method_id,
  x.gas_used AS gas_used, x.gas_price_raw AS gas_price_raw, x.fee_raw AS fee_raw,
  x.coinbase AS coinbase, x.flags AS flags
UNION ALL
MATCH (x:Transaction) WHERE x.recipient_key > $after AND x.recipient_key < $end
WITH x LIMIT $limit
RETURN $owner AS owner, 'in' AS side, null AS scanned, null AS last,
  CASE WHEN x.recipient = $owner THEN x.recipient_key END AS key,
  x.id AS id, x.chain AS chain, x.hash AS hash, x.block_number AS block_number,
  x.block_time AS block_time, x.index AS index, x.status AS status, x.sender AS sender,
  x.recipient AS recipient, x.value_raw AS value_raw, x.method_id AS method_id,
  x.gas_used AS gas_used, x.gas_price_raw AS gas_price_raw, x.fee_raw AS fee_raw,
  x.coinbase AS coinbase, x.flags AS flags
