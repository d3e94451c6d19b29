// Transactions of some blocks. The range stands alone in its WHERE: with any other condition the
// embedded engine leaves the index.
// $low, $high bounds of order_key   uses index transaction_order_key
MATCH (x:Transaction) WHERE x.order_key >= $low AND x.order_key < $high
RETURN x.id AS id, x.chain AS chain, x.block_number AS block_number, x.sender AS sender,
       x.recipient AS recipient
