// Transactions that a wallet signed or received, newest first: $limit of each side.
// $branches of owner, after and end (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (x:Transaction) WHERE x.sender_key > b.after AND x.sender_key < b.end
  WITH x ORDER BY x.sender_key LIMIT $limit
  RETURN b.owner AS owner, 'out' AS side, null AS scanned, null AS last,
    CASE WHEN x.sender = b.owner THEN x.sender_key END AS key,
    x.id AS id, x.chain AS chain, x.hash AS hash, x.block_number AS block_number,
    x.block_time AS block_time, x.index AS index, x.status AS status, x.sender AS sender,
    x.recipient AS recipient, x.value_raw AS value_raw, x.method_id AS method_id,
    x.gas_used AS gas_used, x.gas_price_raw AS gas_price_raw, x.fee_raw AS fee_raw,
    x.coinbase AS coinbase, x.flags AS flags
  UNION ALL
  MATCH (x:Transaction) WHERE x.recipient_key > b.after AND x.recipient_key < b.end
  WITH x ORDER BY x.recipient_key LIMIT $limit
  RETURN b.owner AS owner, 'in' AS side, null AS scanned, null AS last,
    CASE WHEN x.recipient = b.owner THEN x.recipient_key END AS key,
    x.id AS id, x.chain AS chain, x.hash AS hash, x.block_number AS block_number,
    x.block_time AS block_time, x.index AS index, x.status AS status, x.sender AS sender,
    x.recipient AS recipient, x.value_raw AS value_raw, x.method_id AS method_id,
    x.gas_used AS gas_used, x.gas_price_raw AS gas_price_raw, x.fee_raw AS fee_raw,
    x.coinbase AS coinbase, x.flags AS flags
}
RETURN owner, side, scanned, last, key, id, chain, hash, block_number, block_time, index, status,
  sender, recipient, value_raw, method_id, gas_used, gas_price_raw, fee_raw, coinbase, flags
