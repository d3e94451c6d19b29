// Transfers of transactions in the order in which they happened.
// $transactions ids   $after, $before orders (exclusive) or null   $limit rows for each
UNWIND $transactions AS id
CALL (id) {
  MATCH (:Transaction {id: id})-[:MOVED]->(t:Transfer)
  WITH t, substring(t.order_key, 17) AS place
  WHERE ($after IS NULL OR place < $after) AND ($before IS NULL OR place > $before)
  RETURN t, place ORDER BY place DESC LIMIT $limit
}
RETURN place,
  t.id AS id, t.chain AS chain, t.transaction AS transaction, t.position AS position,
  t.sender AS sender, t.recipient AS recipient, t.token AS token, t.amount_raw AS amount_raw,
  t.amount AS amount, t.block_number AS block_number, t.block_time AS block_time,
  t.derived AS derived, t.usd AS usd
