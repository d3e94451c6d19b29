// What a wallet received, newest first, in few words: for exact sums.
// $owner, $after and $end (keys, exclusive)   $limit
MATCH (t:Transfer) WHERE t.recipient_key > $after AND t.recipient_key < $end
WITH t LIMIT $limit
RETURN 'in' AS side, CASE WHEN t.recipient = $owner THEN t.recipient_key END AS key, t.recipient_key AS last,
  t.token AS token, t.amount_raw AS amount_raw, t.block_time AS block_time,
  t.block_number AS block_number
