// What moved of a token, newest first, as traces need it; a row of a stranger has no id.
// $branches of owner, after and end (keys, exclusive)   $limit rows of each
UNWIND $branches AS b
CALL (b) {
  MATCH (t:Transfer) WHERE t.token_key > b.after AND t.token_key < b.end
  RETURN t ORDER BY t.token_key LIMIT $limit
}
RETURN b.owner AS owner, t.token_key AS key, CASE WHEN t.token = b.owner THEN t.id END AS id,
  t.chain AS chain, t.transaction AS transaction, t.position AS position,
  t.sender AS sender, t.recipient AS recipient, t.token AS token, t.amount_raw AS amount_raw,
  t.block_number AS block_number, t.block_time AS block_time
