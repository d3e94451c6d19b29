// Transfers of a chain, newest first: $limit of them.
// $branches of owner, after and end (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Transfer) WHERE t.order_key > b.after AND t.order_key < b.end
  WITH t ORDER BY t.order_key LIMIT $limit
  RETURN b.owner AS owner, 'any' AS side, null AS scanned, null AS last,
    CASE WHEN t.chain = b.owner THEN t.order_key END AS key,
    t.block_number AS block_number, t.block_time AS block_time, t.amount AS amount, t.usd AS usd,
    t.derived AS derived, t.id AS id, t.chain AS chain, t.transaction AS transaction,
    t.position AS position, t.sender AS sender, t.recipient AS recipient, t.token AS token,
    t.amount_raw AS amount_raw
}
RETURN owner, block_number, block_time, amount, usd, derived, side, scanned, last, key, id, chain,
  transaction, position, sender, recipient, token, amount_raw
