// The time of the newest transfer at or below a block, from the chain's own order.
// $number, $chain, $after and $end (keys, exclusive), joined by UNION ALL for several blocks
MATCH (t:Transfer) WHERE t.order_key > $after AND t.order_key < $end
WITH t LIMIT 1
RETURN $chain AS chain, $number AS number, t.block_number AS block_number,
  t.block_time AS block_time
