// What a wallet sent, newest first, in few words: for exact sums.
// $owner, $after and $end (keys, exclusive)   $limit
MATCH (t:Transfer) WHERE t.sender_key > $after AND t.sender_key < $end
WITH t LIMIT $limit
RETURN 'out' AS side, CASE WHEN t.sender = $owner THEN t.sender_key END AS key, t.sender_key AS last,
  t.token AS token, t.amount_raw AS amount_raw, t.block_time AS block_time,
  t.block_number AS block_number
