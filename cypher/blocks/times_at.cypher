// The time of the newest transfer at or below a block, from the chain's own order.
// $branches of number, chain, after and end (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Transfer) WHERE t.order_key > b.after AND t.order_key < b.end
  WITH t ORDER BY t.order_key LIMIT 1
  RETURN t.block_number AS block_number, t.block_time AS block_time
}
RETURN b.chain AS chain, b.number AS number, block_number, block_time
