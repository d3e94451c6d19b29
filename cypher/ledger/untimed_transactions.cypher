// Transactions of some blocks that have no time yet, and who was active by them. The range stands
// alone in its WHERE: with any other condition the embedded engine leaves the index.
// $low, $high bounds of order_key   uses index transaction_order_key
MATCH (x:Transaction) WHERE x.order_key >= $low AND x.order_key < $high
WITH x WHERE x.block_time IS NULL
RETURN x.id AS id, 'Transaction' AS kind, x.block_number AS block_number,
       [x.sender, x.recipient] AS by
