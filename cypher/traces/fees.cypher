// What a wallet paid as fees, newest first; a row of a stranger has no id.
// $branches of owner, after and end (keys, exclusive)   $limit rows of each
UNWIND $branches AS b
CALL (b) {
  MATCH (x:Transaction) WHERE x.sender_key > b.after AND x.sender_key < b.end
  RETURN x ORDER BY x.sender_key LIMIT $limit
}
RETURN b.owner AS owner, x.sender_key AS key, CASE WHEN x.sender = b.owner THEN x.id END AS id,
  x.index AS index, x.fee_raw AS fee_raw, x.gas_used AS gas_used, x.gas_price_raw AS gas_price_raw,
  x.block_number AS block_number, x.block_time AS block_time
