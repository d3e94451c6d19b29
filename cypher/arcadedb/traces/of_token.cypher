// What moved of a token, newest first, as traces need it; a row of a stranger has no id.
// $owner, $after and $end (keys, exclusive), joined by UNION ALL for several   $limit rows of each
MATCH (t:Transfer) WHERE t.token_key > $after AND t.token_key < $end
WITH t LIMIT $limit
RETURN $owner AS owner, t.token_key AS key, CASE WHEN t.token = $owner THEN t.id END AS id,
  t.chain AS chain, t.transaction AS transaction, t.position AS position,
  t.sender AS sender, t.recipient AS recipient, t.token AS token, t.amount_raw AS amount_raw,
  t.block_number AS block_number, t.block_time AS block_time
