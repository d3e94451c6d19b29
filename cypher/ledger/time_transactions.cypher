// Times of one block's transactions that were loaded before it.
// $low, $high bounds of order_key   $time epoch ms
MATCH (x:Transaction) WHERE x.order_key >= $low AND x.order_key < $high AND x.block_time IS NULL
SET x.block_time = $time
