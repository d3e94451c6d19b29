// Transfers of a chain in few words, newest first.
// $after, $end keys, exclusive   $limit
MATCH (t:Transfer) WHERE t.order_key > $after AND t.order_key < $end
WITH t ORDER BY t.order_key LIMIT $limit
RETURN t.order_key AS key, t.chain AS chain, t.sender AS sender, t.recipient AS recipient,
  t.token AS token, t.amount_raw AS amount_raw, t.block_number AS block_number,
  t.block_time AS block_time, t.transaction AS transaction
