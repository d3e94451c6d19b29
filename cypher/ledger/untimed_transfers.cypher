// Transfers of some blocks that lack their time. The range stands alone in its WHERE: with any
// other condition beside it the embedded engine leaves the index.
// $low, $high bounds of order_key   uses index transfer_order_key
MATCH (t:Transfer) WHERE t.order_key >= $low AND t.order_key < $high
WITH t WHERE t.block_time IS NULL
RETURN t.id AS id, t.sender AS sender, t.recipient AS recipient, t.token AS token,
       t.block_number AS block_number
