// Transfers of one block that lack its time.
// $low, $high bounds of order_key
MATCH (t:Transfer) WHERE t.order_key >= $low AND t.order_key < $high AND t.block_time IS NULL
RETURN t.id AS id, t.sender AS sender, t.recipient AS recipient, t.token AS token,
       t.block_number AS block_number
