// The newest transaction of some blocks. No ORDER BY: this engine would leave the index, which is
// in that order already.
// $low, $high bounds of order_key   uses index transaction_order_key
MATCH (x:Transaction) WHERE x.order_key >= $low AND x.order_key < $high
WITH x LIMIT 1
RETURN x.block_number AS number, x.block_time AS time
