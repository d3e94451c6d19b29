// Transfers of some blocks, whole, the newest first. The range stands alone in its WHERE: with
// any other condition, or an order, the embedded engine leaves the index.
// $low, $high bounds of order_key   uses index transfer_order_key
MATCH (t:Transfer) WHERE t.order_key >= $low AND t.order_key < $high
RETURN t.id AS id, t.chain AS chain, t.transaction AS transaction, t.position AS position,
       t.sender AS sender, t.recipient AS recipient, t.token AS token,
       t.amount_raw AS amount_raw, t.amount AS amount, t.block_number AS block_number,
       t.block_time AS block_time, t.derived AS derived, t.order_key AS order_key,
       t.final AS final, t.usd AS usd
