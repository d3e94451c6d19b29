// The newest transaction of some blocks.
// $low, $high bounds of order_key   uses index transaction_order_key
MATCH (x:Transaction) WHERE x.order_key >= $low AND x.order_key < $high
WITH x ORDER BY x.order_key LIMIT 1
RETURN x.block_number AS number, x.block_time AS time
