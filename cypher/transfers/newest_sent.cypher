// Transfers that a wallet sent, newest first: $limit of them.
// $branches of owner, after and end (keys, exclusive)
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Transfer) WHERE t.sender_key > b.after AND t.sender_key < b.end
  WITH t ORDER BY t.sender_key LIMIT $limit
  RETURN b.owner AS owner, 'out' AS side, null AS scanned, null AS last,
    CASE WHEN t.sender = b.owner THEN t.sender_key END AS key,
    t.block_number AS block_number, t.block_time AS block_time, t.amount AS amount, t.usd AS usd,
    t.derived AS derived, t.id AS id, t.chain AS chain, t.transaction AS transaction,
    t.position AS position, t.sender AS sender, t.recipient AS recipient, t.token AS token,
    t.amount_raw AS amount_raw
}
RETURN owner, block_number, block_time, amount, usd, derived, side, scanned, last, key, id, chain,
  transaction, position, sender, recipient, token, amount_raw
