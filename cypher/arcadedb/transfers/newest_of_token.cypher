// Transfers of a token, newest first: $limit of them.
// $owner, $after and $end (keys, exclusive), joined by UNION ALL for several owners. No ORDER BY
// and no other condition beside the range: this engine would sort, or leave the index.
MATCH (t:Transfer) WHERE t.token_key > $after AND t.token_key < $end
WITH t LIMIT $limit
RETURN $owner AS owner, 'any' AS side, null AS scanned, null AS last,
  CASE WHEN t.token = $owner THEN t.token_key END AS key,
  t.block_number AS block_number, t.block_time AS block_time, t.amount AS amount, t.usd AS usd,
  t.derived AS derived, t.id AS id, t.chain AS chain, t.transaction AS transaction,
  t.position AS position, t.sender AS sender, t.recipient AS recipient, t.token AS token,
  t.amount_raw AS amount_raw
